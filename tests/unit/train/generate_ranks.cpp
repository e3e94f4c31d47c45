// Ranks that share a model's weights write the answer that one process writes.
#include <catch2/catch.hpp>
#include <unit/device.hpp>
#include <vlt/dist/thread_group.hpp>
#include <vlt/dist/zero.hpp>
#include <vlt/models/projector.hpp>
#include <vlt/pretrained/choose_training.hpp>
#include <vlt/pretrained/make_language.hpp>
#include <vlt/pretrained/make_projector.hpp>
#include <vlt/pretrained/make_vision.hpp>
#include <vlt/train/generate.hpp>

using namespace vlt;

namespace {

using P = Policy<under_test, Precision::f32>;
constexpr Index picture = 30;  // no word: the model cannot say it

BlockSizes block(bool bias) {
  BlockSizes b;
  b.width = 16, b.heads = b.kv_heads = 2, b.head_dim = 8, b.mlp = 24;
  b.qkv_bias = b.output_bias = b.mlp_bias = bias;
  return b;
}
AnyVlm<P> small_model() {
  ClipSizes vision;
  vision.image = 8, vision.patch = 4, vision.depth = 1, vision.block = block(true);
  LlamaSizes language;
  language.vocabulary = 30, language.depth = 2, language.block = block(false);
  language.block.rope = Rope::plain(8, 10000);
  return {make_vision<P>(vision, false), make_projector<P, BaselineKind>({16, 16, 4, true, vision.block}),
          make_language<P, LlamaFamily, MaskKind::mmca>(language, false)};
}
Prompt prompt() {
  Prompt p;
  p.sample.id = {1, picture, 5, 6, 7};
  p.sample.label.assign(p.sample.id.size(), -1);
  p.layouts = {ImageLayout::plain(5)};
  for (int i = 0; i < 3 * 64; ++i) p.pixels.push_back(float(i % 11) / 11 - float(i % 7) / 7);
  return p;
}

// What a rank says, greedily and by chance; a model of its own, whose weights it shares at this stage.
std::vector<std::int32_t> said(dist::World& world, int stage) {
  Threads threads;
  AnyVlm<P> model = small_model();
  const auto zero = dist::ZeroSettings::of_stage(stage, world.size());
  auto registry = registry_of<P>(model);
  choose_panels(registry, zero.placement(world));
  ParameterStore store(registry, zero.placement(world));
  store.fill([](const auto& p, Index e) {
    return (p.one_dimensional() ? 0.7 : 0) + 0.5 * std::sin(1.7 * double(e) + double(p.name().size()));
  });
  dist::Zero lender(store, world, zero);
  lender.set_updates(1);
  Workspace<P::device> own(threads);
  own.run([&](Scope& s) { lender.round_masters(s); });
  const RankedWeights weights = stage == 3 ? RankedWeights{&lender, &world} : RankedWeights{};
  Generator<P> generate(model, threads, picture, {}, nullptr, weights);
  std::vector<std::int32_t> all;
  for (const double temperature : {0.0, 0.8}) {
    Prompt p = prompt();
    for (const std::int32_t id : generate(p, {6, temperature, 0.9, 7}, 3)) all.push_back(id);
  }
  return all;
}

}  // namespace

TEST_CASE("ranks that share weights say what one process says", "[threads]") {
  dist::Single alone;
  const std::vector<std::int32_t> expected = said(alone, 0);
  REQUIRE(expected.size() == 12);
  for (const int ranks : {2, 3}) {
    std::vector<std::vector<std::int32_t>> all(static_cast<std::size_t>(ranks));
    dist::ThreadGroup::run(ranks, [&](dist::World& world) { all[std::size_t(world.rank())] = said(world, 3); });
    for (const auto& one : all) CHECK(one == expected);
  }
}
