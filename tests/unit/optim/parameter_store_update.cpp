#include <catch2/catch.hpp>
#include <cmath>
#include "parameters.hpp"

using namespace vlt;

namespace {
const AdamW settings{.beta1 = 0.8, .beta2 = 0.9, .epsilon = 1e-3, .weight_decay = 0.25};
const std::vector<double> rates{0.02, 0.01, 9, 0.05};

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

// The gradients of a step.
template <class Store> void differentiate(Store& store, int step) {
  for (const auto& p : store.registry().params) {
    if (!p.trains()) continue;
    std::vector<typename Store::grad_t> g;
    for (Index e = 0; e < p.grad->size(); ++e) g.push_back(typename Store::grad_t(gradient(e, step)));
    set_values(*p.grad, g);
  }
}
template <class Store> void train(Store& store, int threads) {
  Threads team(threads);
  store.fill([](const auto&, Index e) { return start(e); });
  for (int step = 1; step <= 3; ++step) {
    differentiate(store, step);
    for (int u = 0; u < store.units(); ++u) update(store, team, u, {rates, 0.5, step});
  }
}
}  // namespace

TEST_CASE("an update is AdamW with the parameter's own rate; vectors do not decay", "[store]") {
  LooseModel<Precision::f64> model;
  ParameterStore store(model.registry(), {}, settings);
  train(store, 1);
  const auto& params = store.registry().params;
  for (std::size_t p = 0; p < params.size(); ++p) {
    const auto values = values_of(*params[p].value);
    for (Index e = 0; e < params[p].value->size(); ++e) {
      Number n{start(e)};
      for (int t = 1; t <= 3 && params[p].trains(); ++t)
        n.step(0.5 * gradient(e, t), rates[p], params[p].name() == "bias" ? 0 : 0.25, t);
      INFO(params[p].name() << " " << e);
      REQUIRE(values[std::size_t(e)] == Approx(n.w).epsilon(1e-13));
    }
  }
}

TEST_CASE("what AdamW remembers lies in the slots that bear its names", "[store]") {
  LooseModel<Precision::f64> model;
  ParameterStore store(model.registry(), {}, settings);
  REQUIRE(store.layout().slots() == std::vector<StateSlot>{{"exp_avg"}, {"exp_avg_sq"}});
  train(store, 1);
  for (int u = 0; u < store.units(); ++u)
    for (const Slot& slot : store.unit(u).trained) {
      const auto average = values_of(store.unit(u).slot(0).row(slot.range));
      const auto square = values_of(store.unit(u).slot(1).row(slot.range));
      for (Index e = 0; e < slot.range.size(); ++e) {
        Number n{start(e)};
        for (int t = 1; t <= 3; ++t) n.step(0.5 * gradient(e, t), rates[std::size_t(slot.param)], 0, t);
        REQUIRE(average[std::size_t(e)] == Approx(n.m).epsilon(1e-12).margin(1e-15));
        REQUIRE(square[std::size_t(e)] == Approx(n.v).epsilon(1e-12).margin(1e-15));
      }
    }
}

TEST_CASE("updates give the same bits for any number of threads and any cut into parts", "[store]") {
  LooseModel<Precision::bf16> a, b, c;
  ParameterStore one(a.registry(), {}, settings), three(b.registry(), {}, settings), parts(c.registry(), {}, settings);
  train(one, 1), train(three, 3);
  Threads team(1);
  parts.fill([](const auto&, Index e) { return start(e); });
  for (int step = 1; step <= 3; ++step) {
    differentiate(parts, step);
    for (int u = 0; u < parts.units(); ++u) {
      update(parts, team, u, {rates, 0.5, step}, {0, 70});
      update(parts, team, u, {rates, 0.5, step}, {70, parts.unit(u).all.end});
    }
  }
  for (int u = 0; u < one.units(); ++u) {
    const auto same = [&](auto member) {
      const auto x = member(one.unit(u)), y = member(three.unit(u)), z = member(parts.unit(u));
      return std::equal(x.begin(), x.end(), y.begin()) && std::equal(x.begin(), x.end(), z.begin());
    };
    CHECK(same([](auto& unit) { return unit.master.data(); }));
    CHECK(same([](auto& unit) { return unit.slot(0).data(); }));
    CHECK(same([](auto& unit) { return unit.slot(1).data(); }));
    CHECK(same([](auto& unit) { return unit.weights.data(); }));
  }
  const float master = one.unit(1).master.data()[5];
  CHECK(float(values_of(a.second.value)[5]) == float(bf16(master)));
  CHECK(master != float(start(5)));
}

TEST_CASE("an update is planned as it runs, and counts what it does", "[store]") {
  LooseModel<Precision::bf16> model;
  ParameterStore store(model.registry(), {}, settings);
  Threads team(1);
  const auto cost = [&](auto* with_store, Arena& arena) {
    CostTable table;
    Scope s(arena, team, nullptr, &table);
    update_unit(s, store.layout(), with_store, 0, store.unit(0).all, {rates, 1, 1});
    CHECK(table.line.size() == 1);
    CHECK(table.line["adamw"].calls == 2);
    return table.line["adamw"].cost;
  };
  const Buffer<std::byte, under_test> none;
  Arena plan, arena(none);
  const Cost planned = cost(static_cast<decltype(&store)>(nullptr), plan);
  CHECK(planned == cost(&store, arena));
  CHECK(planned.bytes == (7 * 91 + 7 * 7) * 4.0 + 98 * 2);
  CHECK(planned.flops > 0);
}
