#include <catch2/catch.hpp>
#include <cmath>
#include "parameters.hpp"

using namespace vlt;

namespace {
const AdamW settings{.learning_rate = 0.02, .beta1 = 0.8, .beta2 = 0.9, .epsilon = 1e-3, .weight_decay = 0.25};

// What PyTorch's documentation of AdamW says, for one number.
struct Number {
  double w, m = 0, v = 0;
  void step(double g, double rate, double decay, int t) {
    w *= 1 - rate * decay;
    m = 0.8 * m + 0.2 * g, v = 0.9 * v + 0.1 * g * g;
    w -= rate * (m / (1 - std::pow(0.8, t))) / (std::sqrt(v / (1 - std::pow(0.9, t))) + 1e-3);
  }
};

double start(Index e) { return 1 + 0.01 * double(e % 91); }
double gradient(Index e, int step) { return std::sin(0.7 * double(e) + step); }

template <Precision F> void train(ParameterStore<F>& store, int threads, const std::vector<double>& rates) {
  Threads team(threads);
  store.fill([](const auto&, Index e) { return start(e); });
  for (int step = 1; step <= 3; ++step) {
    for (const auto& p : store.registry().params)
      if (p.trains())
        for (Index e = 0; e < p.grad->size(); ++e) p.grad->data[e] = gradient(e, step);
    for (int u = 0; u < store.units(); ++u) store.update(team, u, store.unit(u).all, settings, step, 0.5, rates);
  }
}
}  // namespace

TEST_CASE("an update is AdamW with the parameter's own rate; vectors do not decay", "[store]") {
  LooseModel<Precision::f64> model;
  ParameterStore<Precision::f64> store(model.registry());
  const std::vector<double> rates{0.02, 0.01, 9, 0.05};
  train(store, 1, rates);
  const auto& params = store.registry().params;
  for (std::size_t p = 0; p < params.size(); ++p)
    for (Index e = 0; e < params[p].value->size(); ++e) {
      Number n{start(e)};
      for (int t = 1; t <= 3 && params[p].trains(); ++t)
        n.step(0.5 * gradient(e, t), rates[p], params[p].name() == "bias" ? 0 : 0.25, t);
      INFO(params[p].name() << " " << e);
      REQUIRE(params[p].value->data[e] == Approx(n.w).epsilon(1e-13));
    }
}

TEST_CASE("without rates the optimiser's own holds for all", "[store]") {
  LooseModel<Precision::f64> a, b;
  ParameterStore<Precision::f64> one(a.registry()), other(b.registry());
  train(one, 1, {});
  train(other, 1, {0.02, 0.02, 0.02, 0.02});
  CHECK(std::equal(one.unit(1).master.data.begin(), one.unit(1).master.data.end(), other.unit(1).master.data.begin()));
}

TEST_CASE("updates give the same bits for any number of threads and any cut into parts", "[store]") {
  LooseModel<Precision::bf16> a, b, c;
  ParameterStore<Precision::bf16> one(a.registry()), three(b.registry()), parts(c.registry());
  train(one, 1, {});
  train(three, 3, {});
  Threads team(1);
  parts.fill([](const auto&, Index e) { return start(e); });
  for (int step = 1; step <= 3; ++step) {
    for (const auto& p : parts.registry().params)
      if (p.trains())
        for (Index e = 0; e < p.grad->size(); ++e) p.grad->data[e] = gradient(e, step);
    for (int u = 0; u < parts.units(); ++u) {
      const Range all = parts.unit(u).all;
      parts.update(team, u, {0, 70}, settings, step, 0.5);
      parts.update(team, u, {70, all.end}, settings, step, 0.5);
    }
  }
  for (int u = 0; u < one.units(); ++u) {
    const auto same = [&](auto member) {
      const auto x = member(one.unit(u)), y = member(three.unit(u)), z = member(parts.unit(u));
      return std::equal(x.begin(), x.end(), y.begin()) && std::equal(x.begin(), x.end(), z.begin());
    };
    CHECK(same([](auto& unit) { return unit.master.data; }));
    CHECK(same([](auto& unit) { return unit.m.data; }));
    CHECK(same([](auto& unit) { return unit.v.data; }));
    CHECK(same([](auto& unit) { return unit.weights.data; }));
  }
  CHECK(float(a.second.value.data[5]) == float(bf16(one.unit(1).master.data[5])));
  CHECK(one.unit(1).master.data[5] != float(start(5)));
}
