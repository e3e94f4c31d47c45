// Features of a frozen tower that are kept: the same numbers, and a tower that no longer runs.
#include <atomic>
#include <unit/io/temporary_folder.hpp>
#include <vlt/dist/thread_group.hpp>
#include "byte_training.hpp"

using namespace byte_training;
using vlt::data::FeatureCache;

namespace {

using P = Policy<under_test, Precision::f32>;

std::atomic<Index> tower_runs{0}, tiles_seen{0};

// A frozen tower that counts how often it runs, and on how many tiles.
struct CountedTower : ClipVit<P::frozen> {
  using ClipVit::ClipVit;
  void infer(Scope& s, in x, out y, const Inside& inside) {
    s.run("count", {}, [&] { ++tower_runs, tiles_seen += x.rows; });
    ClipVit::infer(s, x, y, inside);
  }
};
using Frozen = Vlm<CountedTower, BaselineProjector<P>, LlamaDecoder<P, LlamaBlock<P, mask::Mmca>>>;

Frozen frozen() {
  const ClipSizes clip{.image = picture, .patch = patch, .depth = 2, .block = block(8, true)};
  const LlamaSizes llama{.vocabulary = 259, .depth = 2, .tied = true, .block = block(12, false)};
  return {CountedTower(clip), baseline_projector<P>(8, 12), LlamaDecoder<P, LlamaBlock<P, mask::Mmca>>(llama)};
}
constexpr Index floats_of_tile = picture_tokens * 8;

// Hears what the tower had done when the first epoch was over.
struct AfterFirstEpoch final : TrainerListener {
  Index runs = 0, tiles = 0;
  void epoch_done(Index epoch) override {
    if (epoch == 0) runs = tower_runs, tiles = tiles_seen;
  }
};

struct Group {
  std::vector<Outcome> ranks;
  Index runs = 0, tiles = 0;              // of the tower, in all
  Index runs_later = 0, tiles_later = 0;  // after the first epoch
};
Group train_group(int ranks, dist::ZeroSettings zero, const std::function<std::shared_ptr<FeatureCache>()>& cache) {
  Group g;
  g.ranks.resize(std::size_t(ranks));
  tower_runs = tiles_seen = 0;
  AfterFirstEpoch first;
  dist::ThreadGroup::run(ranks, [&](dist::World& world) {
    Course course{.rules = {.sequences = 2, .epochs = 3, .accumulation = 2}, .zero = zero};
    course.features = cache();
    if (world.rank() == 0) course.listener = &first;
    g.ranks[std::size_t(world.rank())] = train<P>(world, frozen(), course);
  });
  g.runs = tower_runs, g.tiles = tiles_seen, g.runs_later = g.runs - first.runs, g.tiles_later = g.tiles - first.tiles;
  return g;
}
void compare(const Group& a, const Group& b) {
  for (std::size_t r = 0; r < a.ranks.size(); ++r) {
    CHECK(a.ranks[r].state == b.ranks[r].state);
    CHECK(a.ranks[r].masters == b.ranks[r].masters);
    CHECK(b.ranks[r].used <= b.ranks[r].planned);
  }
}
std::shared_ptr<FeatureCache> in_memory() {
  return std::make_shared<vlt::data::MemoryFeatures>("o", floats_of_tile, 1 << 20);
}

}  // namespace

TEST_CASE("features that are kept change no bit, and after the first epoch the tower does not run", "[threads]") {
  const Group none = train_group(1, {}, [] { return nullptr; });
  CHECK(none.runs_later > 0);
  const Group memory = train_group(1, {}, in_memory);
  compare(none, memory);
  CHECK(memory.runs_later == 0);
  CHECK(memory.tiles_later == 0);
  CHECK(memory.tiles > 0);
  CHECK(memory.tiles <= none.tiles / 3);

  const test::TemporaryFolder t;
  const auto on_disk = [&] {
    return std::make_shared<vlt::data::DiskFeatures>("o", floats_of_tile, 1 << 20, t / "features");
  };
  const Group disk = train_group(1, {}, on_disk), again = train_group(1, {}, on_disk);
  compare(none, disk);
  CHECK(disk.runs_later == 0);
  compare(none, again);
  CHECK(again.runs == 0);  // another run found everything
}

TEST_CASE("where not everything fits the tower sees the rest, in the same batches", "[threads]") {
  const Group none = train_group(1, {}, [] { return nullptr; });
  for (const int pictures : {1, 3}) {
    const Group some = train_group(1, {}, [&] {
      return std::make_shared<vlt::data::MemoryFeatures>("o", floats_of_tile,
                                                         pictures * floats_of_tile * sizeof(float));
    });
    compare(none, some);
    CHECK(some.tiles_later > 0);
    CHECK(some.tiles_later < none.tiles_later);
  }
}

TEST_CASE("ranks let the tower rest when none of them needs it, whatever they share", "[threads]") {
  const test::TemporaryFolder t;
  for (const int stage : {0, 3}) {
    const dist::ZeroSettings zero{stage, dist::Reduce::every_micro_batch};
    const Group none = train_group(2, zero, [] { return nullptr; });
    const Group memory = train_group(2, zero, in_memory);
    compare(none, memory);
    CHECK(memory.tiles < none.tiles);
    const std::string folder = t / ("features" + std::to_string(stage));
    const Group disk = train_group(
        2, zero, [&] { return std::make_shared<vlt::data::DiskFeatures>("o", floats_of_tile, 1 << 20, folder, 2); });
    compare(none, disk);
    CHECK(disk.runs_later == 0);
  }
}

TEST_CASE("what was computed since the loader looked gives up its pixels, wherever they stand") {
  vlt::data::MemoryFeatures cache("o", 2, 1000);
  vlt::data::MicroBatch b;
  b.tiles = 5, b.features.resize(10);
  b.cached = {{"a", 0, 1, false}, {"b", 1, 2, false}, {"c", 3, 1, true}, {"d", 4, 1, false}};
  b.pixels = {1, 2, 3, 5};
  cache.keep("a", std::vector<float>{7, 8});
  recall_features(cache, b, 1);
  CHECK(b.pixels == std::vector<float>{2, 3, 5});
  CHECK(b.tower_tiles() == 3);
  CHECK((b.features[0] == 7 && b.features[1] == 8));
  cache.keep("b", std::vector<float>{1, 2, 3, 4});
  recall_features(cache, b, 1);
  CHECK(b.pixels == std::vector<float>{5});
  CHECK(b.features[5] == 4);
  b.features[8] = 9;
  keep_features(cache, b);
  std::vector<float> kept(2);
  CHECK(cache.find("d", kept));
  CHECK(kept == std::vector<float>{9, 0});
  CHECK_FALSE(cache.find("c", kept));  // who has known it keeps it
}

TEST_CASE("a tower that trains takes no features from elsewhere") {
  using M = small_vlm::Model<P>;
  Bench<P> b(build<M>());
  auto w = work_of(b.model, {0});
  std::vector<float> values(std::size_t(w.batch.features.rows() * b.model.vision.width()));
  b.model.know_features(w.batch, {false}, values.data(), true);
  b.engine->begin_step(3);
  CHECK_THROWS_AS(b.engine->micro_batch(w.view(), w.batch, true), std::invalid_argument);
  CHECK_THROWS_AS(b.model.know_features(w.batch, {false}, values.data(), false), std::invalid_argument);
}
