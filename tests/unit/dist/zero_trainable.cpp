#include "zero_training.hpp"

using namespace zero_training;
using Gold = Policy<Device::cpu, Precision::f64>;

TEST_CASE("every stage of ZeRO trains the same model, bit for bit", "[threads]") {
  const int ranks = GENERATE(2, 3);
  const bool tied = GENERATE(false, true);
  INFO(ranks << " ranks" << (tied ? ", tied head" : ""));
  compare_stages<Gold>(ranks, tied, 1e-12);
}

TEST_CASE("without a gradient, matrices decay and vectors do not", "[dist]") {
  auto model = build<Gold>(false);
  dist::Single world;
  Threads threads(1);
  ParameterStore<Precision::f64> store(registry_of<Gold>(model));
  store.fill([](const auto&, Index) { return 2.0; });
  dist::Zero<Precision::f64> zero(store, world, threads);
  zero.step({.learning_rate = 0.1, .weight_decay = 0.5}, 1);
  for (const auto& p : store.registry().params) {
    INFO(p.name());
    CHECK(p.value->data[0] == (p.value->rows == 1 ? 2.0 : 2.0 - 0.1 * (0.5 * 2.0)));
  }
}

TEST_CASE("gradients are scaled so that their norm becomes the limit", "[dist]") {
  auto model = build<Gold>(false);
  dist::Single world;
  Threads threads(1);
  ParameterStore<Precision::f64> store(registry_of<Gold>(model));
  dist::Zero<Precision::f64> zero(store, world, threads);
  double count = 0;
  for (const auto& p : store.registry().params) fill_values(*p.grad, 0.5), count += double(p.grad->size());
  const double norm = zero.step({.beta1 = 0.9}, 2.0);
  CHECK(norm == Approx(0.5 * std::sqrt(count)).epsilon(1e-13));
  CHECK(store.unit(0).m.data[0] == Approx(0.1 * 0.5 * 2.0 / (norm + 1e-6)).epsilon(1e-13));
  CHECK(dist::clip_factor(norm, 0) == 1);
  CHECK(dist::clip_factor(0.5, 2) == 1);
}

TEST_CASE("updates are numbered: moments are corrected by how many there were", "[dist]") {
  auto model = build<Gold>(false), other = build<Gold>(false);
  dist::Single world;
  Threads threads(1);
  ParameterStore<Precision::f64> store(registry_of<Gold>(model)), expected(registry_of<Gold>(other));
  dist::Zero<Precision::f64> zero(store, world, threads);
  const AdamW settings{.epsilon = 1e-3};
  for (int step = 1; step <= 3; ++step) {
    for (ParameterStore<Precision::f64>* s : {&store, &expected})
      for (int u = 0; u < s->units(); ++u)
        for (double& g : s->unit(u).grads.data) g = 1e-4 * step;
    zero.step(settings, 0);
    for (int u = 0; u < expected.units(); ++u) expected.update(threads, u, expected.unit(u).all, settings, step, 1.0);
    CHECK(zero.steps() == step);
  }
  for (int u = 0; u < store.units(); ++u)
    CHECK(std::equal(store.unit(u).master.data.begin(), store.unit(u).master.data.end(),
                     expected.unit(u).master.data.begin()));
}

TEST_CASE("a NaN on one rank stops the step on every rank", "[threads]") {
  std::vector<double> norm(2);
  std::vector<int> untouched(2, 1);
  dist::ThreadGroup::run(2, [&](dist::World& world) {
    auto model = build<Gold>(false);
    using Z = dist::Zero<Precision::f64>;
    ParameterStore<Precision::f64> store(registry_of<Gold>(model), Z::placement(1, Reduce::once, world));
    store.fill([](const auto&, Index) { return 2.0; });
    Threads threads(1);
    Z zero(store, world, threads, 1);
    for (const auto& p : store.registry().params) fill_values(*p.grad, world.rank() == 1 ? NAN : 0.5);
    norm[world.rank()] = zero.step({}, 1.0);
    for (const auto& p : store.registry().params)
      untouched[world.rank()] &= p.value->data[0] == 2.0 && p.grad->data[0] == 0 && zero.steps() == 0;
  });
  CHECK((std::isnan(norm[0]) && std::isnan(norm[1])));
  CHECK(untouched == std::vector<int>{1, 1});
}

TEST_CASE("a store that was placed for another stage is refused", "[dist]") {
  auto model = build<Gold>(false);
  dist::Single world;
  Threads threads(1);
  ParameterStore<Precision::f64> store(registry_of<Gold>(model));
  using Z = dist::Zero<Precision::f64>;
  CHECK_NOTHROW(Z(store, world, threads, 0));
  CHECK_THROWS_AS(Z(store, world, threads, 1), std::invalid_argument);
}
