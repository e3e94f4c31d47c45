// Pictures of several tiles and a varying number of tokens, each line of the grid ended by image_newline.
#include <catch2/catch.hpp>
#include <vlt/models/mlp_projector.hpp>
#include <vlt/nn/component_kind.hpp>
#include <vlt/testing/differences.hpp>
#include "small_model.hpp"
using namespace vlt;

namespace {

using Language = LlamaDecoder<Gold>;
using Next = Vlm<ClipVit<Gold>, MlpProjector<Gold>, Language>;
constexpr Index newline = ImageLayout::newline;

// Four tokens a tile: patches without their class token.
Next next_model(bool with_newline = true) {
  ClipSizes tower = small_tower();
  tower.drop_class = true;
  return {ClipVit<Gold>(tower), mlp_projector<Gold>(6, 8, {.bias = true, .newline = with_newline}),
          Language(small_decoder())};
}
// Three pictures: a grid of two tiles of which two lines are seen, one tile, a grid of one tile seen in part.
std::vector<ImageLayout> layouts() {
  return {{3, {0, 1, 2, 3, 4, 5, 8, 9, newline, 6, 7, 10, 11, newline}},
          ImageLayout::plain(4),
          {2, {0, 1, 2, 3, 5, newline, 7, newline}}};
}
Batch tiled_batch(const Next& model) {
  return model.batch(equal_segments(6, 1), conversations(), image_id, {}, layouts());
}

}  // namespace

TEST_CASE("pictures become the rows that their layouts name") {
  const Next model = next_model();
  const Batch b = tiled_batch(model);
  CHECK(b.image_tokens.rows() == 6 * 4 + 1);
  CHECK(b.text.rows() == 7 + 3 + 3 - 3 + 14 + 4 + 8);
  const Index n = 24;  // image_newline stands behind all tiles
  const std::vector<Index> expected{-1, 0,  1,  2,  3,  4,  5,  8,  9,  n,  6,  7,  10, 11, n,  -1, -1, 12,
                                    13, 14, 15, -1, -1, -1, -1, -1, 16, 17, 18, 19, 21, n,  23, n,  -1, -1};
  CHECK(b.image_row == expected);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK((b.id[i] < 0) == (expected[i] >= 0));
    CHECK((b.text.place[i].kind == TokenKind::image) == (expected[i] >= 0));
  }
  CHECK(b.text.place[14].position == 14);
  CHECK(b.targets.row == std::vector<Index>{15, 20, 21, 23, 24, 34});
}

TEST_CASE("gradients of everything, image_newline included, with tiles") {
  Next model = next_model();
  auto registry = registry_of<Gold>(model);
  testing::LooseParameters memory(registry, 7);
  Pictures pictures(6);
  const Batch b = tiled_batch(model);
  const Outcome o = run(model, b, pictures, registry);
  CHECK(o.sums.total() == Approx(o.evaluated.total()).epsilon(1e-14));
  std::vector<testing::Tensor> tensors;
  const double* g = o.grads.data();
  bool newline_trains = false;
  for (auto& p : registry.params) {
    newline_trains |= p.name() == "projection.image_newline" && p.trains() && p.one_dimensional() && !p.decay &&
                      p.component == ComponentKind::projector;
    tensors.push_back({p.name(), p.value->data, g, p.value->size()}), g += p.value->size();
  }
  CHECK(newline_trains);
  const Buffer<std::byte, under_test> scratch(Index(o.evaluate_peak));
  Threads threads;
  const auto a = testing::compare_with_differences(tensors, [&] {
    Arena arena(scratch);
    Scope s(arena, threads);
    LossAccumulator<under_test> sums;
    model.evaluate(s, pictures.view<Next::pixels>(), b, 0.3, sums);
    return sums.read().total();
  });
  INFO(tensors.size() << " tensors, derivatives up to " << a.largest << ", worst " << a.where);
  CHECK(a.worst < 1e-8);
  CHECK(a.flat.empty());
}

TEST_CASE("a frozen image_newline is used and gets no gradient") {
  Next model = next_model();
  auto registry = choose<Gold>(model, [](const auto& p) { return p.name() != "projection.image_newline"; });
  testing::LooseParameters memory(registry, 7);
  Pictures pictures(6);
  const Batch b = tiled_batch(model);
  const double before = run(model, b, pictures, registry).sums.total();
  for (auto& p : registry.params)
    if (!p.trains()) p.value->data[3] += 1;
  CHECK(std::abs(run(model, b, pictures, registry).sums.total() - before) > 1e-6);
}

TEST_CASE("a batch of tiles gives what its conversations give one at a time") {
  Next model = next_model();
  auto registry = registry_of<Gold>(model);
  testing::LooseParameters memory(registry, 7);
  Pictures all(6);
  const Outcome together = run(model, tiled_batch(model), all, registry);
  std::vector<double> grads(together.grads.size());
  double loss = 0;
  std::size_t tile = 0, picture = 0;
  for (const auto& [sample, count] : {std::pair(0, 2), std::pair(1, 0), std::pair(2, 1)}) {
    const std::vector<ImageLayout> every = layouts();
    const std::vector<ImageLayout> own(every.begin() + picture, every.begin() + picture + count);
    std::size_t tiles = 0;
    for (const ImageLayout& l : own) tiles += std::size_t(l.tiles);
    Pictures part(0);
    part.values.assign(all.values.begin() + tile * 192, all.values.begin() + (tile + tiles) * 192);
    const Batch b = model.batch(equal_segments(Index(tiles), 1), {conversations()[sample]}, image_id, {}, own);
    for (auto& p : registry.params) fill_values(*p.grad, 0.0);
    const Outcome one = run(model, b, part, registry);
    loss += one.sums.total();
    for (std::size_t i = 0; i < grads.size(); ++i) grads[i] += one.grads[i];
    tile += tiles, picture += std::size_t(count);
  }
  CHECK(loss == Approx(together.sums.total()).epsilon(1e-12));
  for (std::size_t i = 0; i < grads.size(); ++i) REQUIRE(grads[i] == Approx(together.grads[i]).margin(1e-12));
}

TEST_CASE("layouts, tiles and newlines must agree") {
  const Next model = next_model(), plain = next_model(false);
  const auto batch = [&](const Next& m, Index tiles, const std::vector<ImageLayout>& l) {
    return m.batch(equal_segments(tiles, 1), conversations(), image_id, {}, l);
  };
  CHECK_THROWS_WITH(batch(model, 5, layouts()), Catch::Contains("another number of tiles"));
  CHECK_THROWS_WITH(batch(plain, 6, layouts()), Catch::Contains("newlines, the projector has none"));
  auto wrong = layouts();
  wrong[0].row[5] = 12;
  CHECK_THROWS_WITH(batch(model, 6, wrong), Catch::Contains("outside its tiles"));
  wrong = layouts(), wrong.pop_back(), wrong[1].tiles = 3;
  CHECK_THROWS_WITH(batch(model, 6, wrong), Catch::Contains("more image marks"));
}
