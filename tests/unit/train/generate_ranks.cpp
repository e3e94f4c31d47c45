// Ranks that share a model's weights write the answer that one process writes.
#include <catch2/catch.hpp>
#include <vlt/dist/thread_group.hpp>
#include <vlt/dist/zero.hpp>
#include <vlt/pretrained/choose_training.hpp>

#include "asked_model.hpp"

using namespace asked_model;

namespace {

Prompt prompt() { return asked({1, picture, 5, 6, 7}); }

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
