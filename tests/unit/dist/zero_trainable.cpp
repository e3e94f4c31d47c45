#include "zero_training.hpp"

using namespace zero_training;
using Gold = Policy<under_test, Precision::f64>;

TEST_CASE("every stage of ZeRO trains the same model, bit for bit", "[threads]") {
  const int ranks = GENERATE(2, 3);
  const bool tied = GENERATE(false, true);
  INFO(ranks << " ranks" << (tied ? ", tied head" : ""));
  compare_stages<Gold>(ranks, tied, 1e-12);
}

namespace {
using Z = dist::Zero<Gold::precision, Gold::device>;

// One step in memory of its own: gradients are those the store holds.
double step(Z& zero, std::span<const double> rates, double max_norm) {
  Threads threads(1);
  Arena plan;
  Scope planned(plan, threads);
  zero.step(planned, rates, max_norm);
  const auto memory = memory_of_nans(plan.peak());
  Arena arena(memory);
  Scope s(arena, threads);
  return zero.step(s, rates, max_norm);
}
template <class Store> std::vector<double> rates_of(const Store& store, double rate) {
  return std::vector<double>(store.registry().params.size(), rate);
}
template <class Store> void set_gradients(Store& store, double g) {
  for (int u = 0; u < store.units(); ++u) fill_values(store.unit(u).grads.row(store.unit(u).grads.range), g);
}
template <class T, Device D> std::vector<T> all_of(const Flat<T, D>& flat) { return values_of(flat.row(flat.range)); }
}  // namespace

TEST_CASE("without a gradient, matrices decay and vectors do not", "[dist]") {
  auto model = build<Gold>(false);
  dist::Single world;
  ParameterStore store(registry_of<Gold>(model), {}, AdamW{.weight_decay = 0.5});
  store.fill([](const auto&, Index) { return 2.0; });
  Z zero(store, world);
  step(zero, rates_of(store, 0.1), 1);
  for (const auto& p : store.registry().params) {
    INFO(p.name());
    CHECK(values_of(*p.value)[0] == (p.value->rows == 1 ? 2.0 : 2.0 - 0.1 * (0.5 * 2.0)));
  }
}

TEST_CASE("gradients are scaled so that their norm becomes the limit", "[dist]") {
  auto model = build<Gold>(false);
  dist::Single world;
  ParameterStore store(registry_of<Gold>(model), {}, AdamW{.beta1 = 0.9});
  Z zero(store, world);
  double count = 0;
  for (const auto& p : store.registry().params) fill_values(*p.grad, 0.5), count += double(p.grad->size());
  const double norm = step(zero, rates_of(store, 1e-3), 2.0);
  CHECK(norm == Approx(0.5 * std::sqrt(count)).epsilon(1e-13));
  CHECK(all_of(store.unit(0).slot(0))[0] == Approx(0.1 * 0.5 * 2.0 / (norm + 1e-6)).epsilon(1e-13));
  CHECK(dist::clip_factor(norm, 0) == 1);
  CHECK(dist::clip_factor(0.5, 2) == 1);
}

TEST_CASE("updates are numbered: moments are corrected by how many there were", "[dist]") {
  auto model = build<Gold>(false), other = build<Gold>(false), later = build<Gold>(false);
  dist::Single world;
  Threads threads(1);
  const AdamW settings{.epsilon = 1e-3};
  ParameterStore store(registry_of<Gold>(model), {}, settings), expected(registry_of<Gold>(other), {}, settings),
      taken_up(registry_of<Gold>(later), {}, settings);
  Z zero(store, world), again(taken_up, world);
  const auto rates = rates_of(store, 1e-3);
  for (int number = 1; number <= 3; ++number) {
    for (auto* s : {&store, &expected}) set_gradients(*s, 1e-4 * number);
    step(zero, rates, 0);
    const auto none = memory_of_nans(0);
    Arena arena(none);
    Scope s(arena, threads);
    for (int u = 0; u < expected.units(); ++u)
      update_unit(s, expected.layout(), &expected, u, expected.unit(u).all, {rates, 1, number});
    CHECK(zero.updates() == number);
  }
  for (int u = 0; u < store.units(); ++u) CHECK(all_of(store.unit(u).master) == all_of(expected.unit(u).master));

  again.set_updates(2);
  set_gradients(taken_up, 1);
  step(again, rates, 0);
  CHECK(again.updates() == 3);
  const double m = 0.1 / (1 - 0.9 * 0.9 * 0.9), v = 0.05 / (1 - 0.95 * 0.95 * 0.95);
  CHECK(values_of(*taken_up.registry().params[0].value)[0] == Approx(-1e-3 * m / (std::sqrt(v) + 1e-3)).epsilon(1e-12));
}

TEST_CASE("an update needs a rate for every parameter", "[dist]") {
  auto model = build<Gold>(false);
  dist::Single world;
  ParameterStore store(registry_of<Gold>(model));
  Z zero(store, world);
  CHECK_THROWS_AS(step(zero, std::vector<double>(3, 0.1), 1), std::invalid_argument);
}

TEST_CASE("a NaN on one rank stops the step on every rank", "[threads]") {
  std::vector<double> norm(2);
  std::vector<int> untouched(2, 1);
  dist::ThreadGroup::run(2, [&](dist::World& world) {
    auto model = build<Gold>(false);
    const dist::ZeroSettings stage_1{1};
    ParameterStore store(registry_of<Gold>(model), stage_1.placement(world));
    store.fill([](const auto&, Index) { return 2.0; });
    Z zero(store, world, stage_1);
    set_gradients(store, world.rank() == 1 ? NAN : 0.5);
    norm[world.rank()] = step(zero, rates_of(store, 1e-3), 1.0);
    for (const auto& p : store.registry().params)
      untouched[world.rank()] &= values_of(*p.value)[0] == 2.0 && values_of(*p.grad)[0] == 0 && zero.updates() == 0;
  });
  CHECK((std::isnan(norm[0]) && std::isnan(norm[1])));
  CHECK(untouched == std::vector<int>{1, 1});
}

TEST_CASE("a store that was placed for another stage is refused", "[dist]") {
  auto model = build<Gold>(false);
  dist::Single world;
  ParameterStore store(registry_of<Gold>(model));
  CHECK_NOTHROW(Z(store, world));
  CHECK_THROWS_AS(Z(store, world, {1}), std::invalid_argument);
}
