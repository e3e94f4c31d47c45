// The order in which units are gathered and reduced is the model's: it must not depend on the batch. And what is frozen
// in front of everything that trains has no backward pass.
#include <catch2/catch.hpp>
#include "small_model.hpp"
using namespace vlt;

namespace {

struct Recorder : UnitHooks {
  std::string log;
  void acquire(Scope&, int u, Pass p) override { log += (p == Pass::forward ? " f" : " b") + std::to_string(u); }
  void release(Scope&, int u) override { log += " r" + std::to_string(u); }
  void grad_ready(Scope&, int u) override { log += " g" + std::to_string(u); }
};

template <class Model> std::string visits(Model& model, Index images, const std::vector<Sample>& samples) {
  auto registry = registry_of<Gold>(model);
  testing::LooseParameters memory(registry);
  Pictures pictures(images);
  const Batch b = model.batch(equal_segments(images, 1), samples, image_id);
  const Buffer<std::byte, under_test> scratch(1 << 19);
  Threads threads;
  Recorder recorder;
  Arena a(scratch);
  Scope s(a, threads, &recorder);
  typename Model::saved k;
  LossAccumulator<under_test> sums;
  model.forward_backward(s, pictures.view<typename Model::pixels>(), b, 1, k, sums);
  return recorder.log;
}

std::size_t arena_of_tower(Index depth) {
  ClipSizes tower = small_tower();
  tower.depth = depth;
  auto model = small_model<ClipVit<Gold::frozen>, LlamaDecoder<Gold::frozen>>(tower);
  registry_of<Gold>(model);
  const Batch b = model.batch(equal_segments(3, 1), conversations(), image_id);
  decltype(model)::pixels x;
  x.rows = 3, x.cols = x.stride = 192;
  Threads threads;
  Arena plan;
  Scope s(plan, threads);
  decltype(model)::saved k;
  LossAccumulator<under_test> sums;
  model.forward_backward(s, x, b, 1, k, sums);
  return plan.peak();
}

}  // namespace

TEST_CASE("units are visited in the same order with and without images") {
  auto model = small_model<ClipVit<Gold>, LlamaDecoder<Gold>>(small_tower());
  const auto with = visits(model, 1, {{{10, 3, 4}, {-1, -1, 4}}});
  const auto without = visits(model, 0, {{{2, 3}, {-1, 3}}, {{2, 3, 4}, {-1, 3, 4}}});
  CHECK(with == without);
  CHECK(with ==
        " f0 r0 f1 r1 f2 r2 f3 r3 f4 r4 f5 r5 f6 r6"  // tower, projector, embedding, blocks
        " b7 g7 r7 b6 g6 r6 b5 g5 r5 b4 g4 r4 b3 g3 r3 b2 g2 r2 b1 g1 r1 b0 g0 r0");  // head first, and back
}

TEST_CASE("a tied embedding contributes before it is finished") {
  auto model = small_model<ClipVit<Gold>, LlamaDecoder<Gold>>(small_tower(), true);
  const auto log = visits(model, 1, {{{10, 3, 4}, {-1, -1, 4}}});
  CHECK_THAT(log, Catch::Contains(" b7 b4 r4 g7 r7 "));
  CHECK_THAT(log, Catch::Contains(" b4 g4 r4 "));
}

TEST_CASE("a frozen tower has no backward and needs one block's memory") {
  auto model = small_model<ClipVit<Gold::frozen>, LlamaDecoder<Gold::frozen>>(small_tower());
  const auto log = visits(model, 1, {{{10, 3, 4}, {-1, -1, 4}}});
  CHECK_THAT(log, Catch::Contains(" f0 ") && Catch::Contains(" f2 ") && Catch::Contains(" b3 "));
  CHECK_THAT(log, !Catch::Contains(" b0 ") && !Catch::Contains(" b1 ") && !Catch::Contains(" b2 "));
  CHECK(arena_of_tower(2) == arena_of_tower(12));
}

TEST_CASE("a tower that could train and was not chosen to has no backward either") {
  auto model = small_model<ClipVit<Gold>, LlamaDecoder<Gold>>(small_tower());
  choose<Gold>(model, [](const auto& p) { return p.component != ComponentKind::vision; });
  const auto log = visits(model, 1, {{{10, 3, 4}, {-1, -1, 4}}});
  CHECK_THAT(log, !Catch::Contains(" b0 ") && !Catch::Contains(" b1 ") && !Catch::Contains(" b2 "));
}
