#include <catch2/catch.hpp>
#include <cmath>
#include "lion.hpp"
#include "parameters.hpp"

using namespace vlt;

namespace {
const std::vector<double> rates{0.02, 0.01, 9, 0.05};
double gradient(Index e, int step) { return std::sin(0.7 * double(e) + step); }

// What the paper says of Lion, for one number.
struct Number {
  double w, m = 0;
  void step(double g, double rate, double decay) {
    const double c = 0.8 * m + 0.2 * g;
    w = w - rate * ((c > 0 ? 1 : c < 0 ? -1 : 0) + decay * w);
    m = 0.95 * m + 0.05 * g;
  }
};

template <class Store> void train(Store& store, int threads) {
  Threads team(threads);
  store.fill([](const auto&, Index e) { return 1 + 0.01 * double(e % 91); });
  for (int step = 1; step <= 3; ++step)
    for (int u = 0; u < store.units(); ++u) {
      const auto g = store.unit(u).grads;
      std::vector<typename Store::grad_t> values(std::size_t(g.range.size()));
      for (std::size_t e = 0; e < values.size(); ++e) values[e] = typename Store::grad_t(gradient(Index(e), step));
      set_values(g.row(g.range), values);
      update(store, team, u, {rates, 0.5, step});
    }
}
template <class T, Device D> std::vector<T> all_of(const Flat<T, D>& flat) { return values_of(flat.row(flat.range)); }
}  // namespace

TEST_CASE("another optimiser needs nothing but its own header", "[optim]") {
  LooseModel<Precision::f64> model;
  // quote: use
  ParameterStore store(model.registry(), {}, Lion{.beta1 = 0.8, .beta2 = 0.95, .weight_decay = 0.25});
  // end of quote
  train(store, 2);
  for (int u = 0; u < store.units(); ++u)
    for (const Slot& slot : store.unit(u).trained) {
      const auto& p = store.registry().params[slot.param];
      const auto weights = values_of(*p.value), average = all_of(store.unit(u).slot(0));
      for (Index e = 0; e < slot.range.size(); ++e) {
        Number n{1 + 0.01 * double(e % 91)};
        for (int t = 1; t <= 3; ++t)
          n.step(0.5 * gradient(slot.range.begin + e, t), rates[slot.param], p.decay ? 0.25 : 0);
        INFO(p.name() << " " << e);
        REQUIRE(weights[std::size_t(e)] == Approx(n.w).epsilon(1e-13));
        REQUIRE(average[std::size_t(slot.range.begin + e)] == Approx(n.m).epsilon(1e-12).margin(1e-15));
      }
    }
}

TEST_CASE("the layout has the memory an optimiser asks for, of the type it asks for", "[optim]") {
  LooseModel<Precision::f32> a, b, c;
  const StoreLayout adamw(a.registry()), lion(a.registry(), {}, Lion{}),
      narrow(a.registry(), {}, Lion{.average = StateType::bf16});
  CHECK(adamw.slots() == std::vector<StateSlot>{{"exp_avg"}, {"exp_avg_sq"}});
  CHECK(adamw.bytes().state == 2 * adamw.bytes().master);
  CHECK(lion.bytes().state == lion.bytes().master);
  CHECK(narrow.bytes().state == narrow.bytes().master / 2);

  ParameterStore wide(b.registry(), {}, Lion{}), rounded(c.registry(), {}, Lion{.average = StateType::bf16});
  train(wide, 1), train(rounded, 1);
  for (int u = 0; u < wide.units(); ++u) {
    const auto exact = all_of(wide.unit(u).slot(0));
    const auto near = all_of(rounded.unit(u).slot<bf16>(0));
    for (std::size_t e = 0; e < exact.size(); ++e) REQUIRE(float(near[e]) == Approx(exact[e]).margin(0.005));
  }
  CHECK_THROWS(rounded.unit(0).slot(0));
}

TEST_CASE("an update that says nothing of itself is the first, of a whole gradient, at no rate", "[optim]") {
  const UpdateStep step;
  CHECK((step.clip == 1 && step.number == 1 && step.rates.empty()));
  const ParameterUpdate<Precision::f32, under_test> p;
  CHECK((p.rate == 0 && p.decays && p.clip == 1 && p.number == 1 && p.range == Range{0, 0}));
  CHECK(StateSlot().type == StateType::master);
  const Placement alone;
  CHECK((alone.rank == 0 && alone.ranks == 1));
  CHECK_FALSE((alone.share_optimizer || alone.share_gradients || alone.share_weights));
}
