#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include "parameters.hpp"

using namespace vlt;

namespace {
// weight (7, 13) and still (5, 9) of component 1, second (33, 70) of component 2.
template <Precision F> struct PackedModel : LooseModel<F> {
  PackedModel() {
    this->weight.choose(false);
    for (auto* p : {&this->weight, &this->second}) p->value.packed = true;
  }
};

// Rows of a packed weight, from the panels that serve the backward product.
template <class Weight> std::vector<float> backward_rows(const Weight& w) {
  using T = std::remove_reference_t<decltype(*w.data)>;
  std::vector<float> x(static_cast<std::size_t>(w.size()));
  cpu::unpack_backward<T, under_test>(static_cast<const T*>(w.backward_panels), w.rows, w.cols, x.data(), Index(0),
                                      w.rows);
  return x;
}
template <class Store> std::vector<float> all_rows(const Store& store, int param) {
  std::vector<float> x(static_cast<std::size_t>(store.registry().params[param].value->size()));
  store.read(param, 0, x);
  return x;
}

template <Precision F> void write_in_pieces() {
  using operand = typename roles_of<F>::operand;
  PackedModel<F> model;
  ParameterStore store(model.registry());
  const auto values = ramp(7 * 13, 0.01f);
  for (auto [first, rows] : {std::pair{0, 3}, std::pair{3, 1}, std::pair{4, 3}})
    store.write(0, first, std::span(values).subspan(std::size_t(first) * 13, std::size_t(rows) * 13));
  const auto back = all_rows(store, 0), other = backward_rows(model.weight.value);
  CHECK(model.weight.value.data == nullptr);
  for (std::size_t i = 0; i < values.size(); ++i) {
    REQUIRE(back[i] == float(operand(values[i])));
    REQUIRE(other[i] == back[i]);
  }
}

double gradient(Index e, int step) { return std::sin(0.7 * double(e) + step); }
template <class Store> void train(Store& store, int threads) {
  Threads team(threads);
  const std::vector<double> rates(4, 1e-3);
  store.fill([](const auto& p, Index e) { return double(p.name().size()) + 0.01 * double(e % 91); });
  for (int step = 1; step <= 3; ++step) {
    for (const auto& p : store.registry().params)
      if (p.trains())
        for (Index e = 0; e < p.grad->size(); ++e) p.grad->data[e] = float(gradient(e, step));
    for (int u = 0; u < store.units(); ++u) update(store, team, u, {rates, 1, step});
  }
}
}  // namespace

TEST_CASE("a packed weight lives in panels only, whatever the pieces it was written in", "[store]") {
  write_in_pieces<Precision::bf16>();
  write_in_pieces<Precision::f32>();
  write_in_pieces<Precision::f16>();
}

TEST_CASE("panels are planned: for the backward product only where a gradient arrives", "[store]") {
  PackedModel<Precision::bf16> model;
  const auto registry = model.registry();
  const StoreLayout layout(registry, {});
  // bias trains in component 1: gradients pass through it and everything behind it
  const UnitLayout &first = layout.units()[0], &second = layout.units()[1];
  REQUIRE(first.packed.size() == 1);
  CHECK(first.packed[0].backward.size() >= 13 * 7 * 2);
  const auto lines = [](Index bytes) { return std::size_t(bytes + 63) / 64 * 64; };
  CHECK(layout.bytes(ComponentKind::projector).panels ==
        lines(cpu::panel_bytes<bf16, under_test>(7, 13)) + lines(cpu::panel_bytes<bf16, under_test>(13, 7)));
  CHECK(second.held_weights.size() == 0);
  CHECK(second.held_grads.size() == 2336);
  CHECK(first.row_major.size() == 32);
  ParameterStore store(model.registry());
  CHECK(store.bytes() == layout.bytes());
  const auto of_line = [](const void* p) { return reinterpret_cast<std::uintptr_t>(p) % 64; };
  for (const auto& p : store.registry().params)
    if (p.value->packed)
      CHECK((of_line(p.value->forward_panels) == 0 && of_line(p.value->backward_panels) == 0 && !p.value->data));

  model.bias.choose(false);
  const StoreLayout frozen(model.registry(), {});
  CHECK(frozen.units()[0].packed[0].backward.size() == 0);
  CHECK(frozen.units()[1].packed[0].backward.size() > 0);
}

TEMPLATE_TEST_CASE_SIG("packed weights that train follow their masters, as row-major ones do", "[store]",
                       ((Precision F), F), Precision::bf16, Precision::f16) {
  using operand = typename roles_of<F>::operand;
  for (int threads : {1, 2}) {
    PackedModel<F> packed;
    LooseModel<F> plain;
    plain.weight.choose(false);
    const AdamW decaying{.weight_decay = 0.1};
    ParameterStore one(packed.registry(), {}, decaying), other(plain.registry(), {}, decaying);
    train(one, threads), train(other, 1);
    CHECK(all_rows(one, 3) == all_rows(other, 3));
    const auto back = backward_rows(packed.second.value);
    std::vector<float> forward(back.size());
    cpu::unpack_forward<operand, under_test>(static_cast<const operand*>(packed.second.value.forward_panels), Index(70),
                                             forward.data(), Index(0), Index(33));
    for (std::size_t i = 0; i < back.size(); ++i) {
      REQUIRE(back[i] == float(plain.second.value.data[i]));
      REQUIRE(forward[i] == back[i]);
    }
  }
}

TEST_CASE("a packed weight of several tiles follows its master whole", "[store]") {
  using P = Policy<under_test, Precision::f32>;
  constexpr Index rows = 3 * cpu::Tile<under_test>::cols + 5, cols = 6;
  param_t<P> weight{Shape{rows, cols}, Role::matrix};
  weight.value.packed = true;
  registry_t<P> registry;
  registry.units = 1, registry.unit = 0, registry.component = ComponentKind::projector;
  registry.add(weight, {{"weight", 0, rows}});
  ParameterStore store(std::move(registry));
  const auto values = ramp(rows * cols, 0.01f);
  set_values(store.unit(0).master.row({0, rows * cols}), values);
  Threads threads(2);
  store.pack_master(threads, 0);
  std::vector<float> forward(values.size());
  cpu::unpack_forward<float, under_test>(static_cast<const float*>(weight.value.forward_panels), cols, forward.data(),
                                         Index(0), rows);
  CHECK(forward == values);
}

TEST_CASE("what cannot be packed is refused", "[store]") {
  PackedModel<Precision::f64> wide;
  CHECK_THROWS_AS(StoreLayout(wide.registry()), std::invalid_argument);
  PackedModel<Precision::bf16> model;
  CHECK_THROWS_AS(StoreLayout(model.registry(), {0, 2, true, false, false}), std::invalid_argument);
  model.second.value.packed = false;
  CHECK_NOTHROW(StoreLayout(model.registry(), {0, 2, true, false, false}));
  CHECK_THROWS_AS(StoreLayout(model.registry(), {0, 2, true, true, true}), std::invalid_argument);
}

TEST_CASE("frozen products are packed, unless ranks share them or they are in double precision", "[store]") {
  LooseModel<Precision::bf16> model;
  LooseModel<Precision::f64> wide;
  model.still.packable = model.second.packable = wide.still.packable = true;
  const auto packed = [](auto& m, const Placement& placement) {
    auto registry = m.registry();
    choose_panels(registry, placement);
    std::string names;
    for (const auto& p : registry.params)
      if (p.value->packed) names += p.name() + " ";
    CHECK_NOTHROW(StoreLayout(registry, placement));
    return names;
  };
  CHECK(packed(model, {}) == "still ");
  CHECK(packed(model, {0, 2, true, true, false}) == "still ");
  CHECK(packed(model, {0, 2, true, true, true}) == "");
  CHECK(packed(wide, {}) == "");
}
