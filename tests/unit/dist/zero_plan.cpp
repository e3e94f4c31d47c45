#include "zero_training.hpp"

using namespace zero_training;
using dist::UnitVisit;

namespace {
using P = Policy<under_test, Precision::f32>;

// What a plan from a layout alone says of one micro-batch on the second of three ranks.
struct Planned {
  dist::LentBytes lent;
  std::vector<UnitVisit> order;
  CostTable operations;
  StoreLayout<P::precision, P::device> layout;
};
Planned plan(bool tied, dist::ZeroSettings zero) {
  auto model = build<P>(tied);
  const Placement placement{1, 3, zero.stage >= 1, zero.stage >= 2 && zero.reduce == Reduce::every_micro_batch,
                            zero.stage >= 3};
  Planned p{{}, {}, {}, StoreLayout(registry_of<P>(model), placement)};
  dist::Zero planner(p.layout, zero);
  const Batch b = model.batch(equal_segments(1, 2), samples(0), image);
  typename decltype(model)::pixels x;
  x.rows = 2, x.cols = x.stride = features;
  typename decltype(model)::saved k;
  LossAccumulator<under_test> loss;
  Threads threads(1);
  Arena arena;
  Scope s(arena, threads, &planner, &p.operations);
  planner.begin(s, true);
  model.forward_backward(s, x, b, 1, k, loss);
  planner.step(s, {}, 1);
  p.lent = planner.lent(), p.order = planner.order();
  return p;
}
std::size_t weights_of(const UnitLayout& u) { return std::size_t(u.all.size() + u.all_frozen.size()) * sizeof(float); }
std::size_t largest_but(const Planned& p, std::size_t last, auto&& bytes) {
  std::size_t most = 0;
  for (std::size_t u = 0; u < last; ++u) most = std::max(most, bytes(p.layout.units()[u]));
  return most;
}
std::size_t gradients_of(const UnitLayout& u) { return std::size_t(u.all.size()) * sizeof(float); }
}  // namespace

TEST_CASE("what is lent is what is in use at the same time", "[dist]") {
  const dist::ZeroSettings every{3, Reduce::every_micro_batch};
  const Planned untied = plan(false, every);
  const std::size_t units = untied.layout.units().size();  // projector, embedding, two blocks, head
  REQUIRE(units == 5);
  CHECK(untied.lent.weights == largest_but(untied, units, weights_of));
  CHECK(untied.lent.gradients == largest_but(untied, units, gradients_of));

  // A tied embedding is in use while its head is, and its gradient waits for the embedding's turn; the place in front
  // of it, which the head has given back, is too small for a block's.
  const Planned tied = plan(true, every);
  const auto &embedding = tied.layout.units()[1], &block = tied.layout.units()[2], &head = tied.layout.units()[4];
  CHECK(tied.lent.weights == std::max(weights_of(embedding) + weights_of(head), largest_but(tied, 4, weights_of)));
  CHECK(tied.lent.gradients == gradients_of(head) + gradients_of(embedding) + gradients_of(block));
}

TEST_CASE("what is offloaded is offloaded at every stage", "[dist]") {
  dist::Single world;
  for (const int stage : {0, 1, 2, 3})
    for (const bool offload : {false, true})
      for (const int ranks : {1, 2})
        CHECK(dist::ZeroSettings::of_stage(stage, ranks, offload).placement(world).offload_optimizer == offload);
}

TEST_CASE("only what is shared is lent", "[dist]") {
  CHECK(plan(false, {2, Reduce::once}).lent == dist::LentBytes{});
  CHECK(plan(false, {3, Reduce::once}).lent.gradients == 0);
  CHECK(plan(false, {3, Reduce::once}).lent.weights > 0);
  CHECK(plan(false, {2, Reduce::every_micro_batch}).lent.weights == 0);
}

TEST_CASE("the order of visits is known before anything happens", "[dist]") {
  using E = UnitVisit::Event;
  const auto order = plan(false, {3}).order;
  REQUIRE(order.size() == 23);
  CHECK(order[0] == UnitVisit{0, E::forward});
  CHECK(order[1] == UnitVisit{0, E::release});
  CHECK(order[8] == UnitVisit{4, E::backward});
  CHECK(order[9] == UnitVisit{4, E::gradient_ready});
  CHECK(order[10] == UnitVisit{4, E::release});
  CHECK(order.back() == UnitVisit{0, E::release});
  CHECK(plan(false, {0}).order == order);
}

TEST_CASE("a plan counts messages and updates", "[dist]") {
  auto calls = [](const Planned& p, const char* name) {
    const auto at = p.operations.line.find(name);
    return at == p.operations.line.end() ? 0 : at->second.calls;
  };
  const Planned whole = plan(false, {0}), shared = plan(false, {3, Reduce::every_micro_batch});
  CHECK(calls(whole, "gather_weights") == 0);
  CHECK(calls(whole, "reduce_gradients") == 5);
  CHECK(calls(shared, "gather_weights") == 9);  // the head needs its weights once
  CHECK(calls(shared, "reduce_gradients") == 5);
  CHECK(calls(whole, "sum_of_squares") == 5);
  CHECK(whole.operations.line.at("adamw").cost.flops > 2 * shared.operations.line.at("adamw").cost.flops);
}
