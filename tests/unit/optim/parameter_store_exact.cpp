// Norms' weights and biases beside 16-bit operands: their masters are what layers compute with.
#include <catch2/catch.hpp>
#include <unit/device.hpp>
#include <vlt/optim/update.hpp>

using namespace vlt;

namespace {

// A weight and a bias that train, and a norm that does not.
template <Precision F> struct SmallOnes {
  using P = Policy<under_test, F>;
  param_t<P> weight{Shape{7, 13}, Role::matrix};
  exact_param_t<P> bias{Shape{1, 7}, Role::bias}, norm{Shape{1, 13}, Role::norm};

  SmallOnes() { norm.choose(false); }
  Registry<F, under_test> registry() {
    Registry<F, under_test> r;
    r.units = 1, r.unit = 0, r.component = ComponentKind::projector;
    r.add(weight, {{"weight", 0, 7}}), r.add(bias, {{"bias", 0, 1}}), r.add(norm, {{"norm", 0, 1}});
    return r;
  }
};
// No number of 16 bits.
float odd(Index e) { return 1.0f + float(e + 1) * 0x1p-20f; }
template <class M> bool is_odd(M m, float more = 0) {
  for (Index c = 0; c < m.cols; ++c)
    if (values_of(m)[std::size_t(c)] != odd(c) + more) return false;
  return true;
}

}  // namespace

TEMPLATE_TEST_CASE_SIG("small parameters are computed as they are, and rounded nowhere", "[store]", ((Precision F), F),
                       Precision::bf16, Precision::f16) {
  SmallOnes<F> model;
  ParameterStore store(model.registry());
  store.fill([](const auto&, Index e) { return double(odd(e)); });
  CHECK(is_odd(model.bias.full()));
  CHECK(is_odd(model.norm.full()));
  CHECK_FALSE(is_odd(row_range(model.weight.full(), 0, 1)));
  std::vector<float> read(7), norm(13);
  store.read(1, 0, read), store.read(2, 0, norm);
  for (std::size_t e = 0; e < 13; ++e) CHECK((norm[e] == odd(Index(e)) && (e > 6 || read[e] == norm[e])));
  CHECK(values_of(*model.registry().params[1].grad).size() == 7);
  std::vector<std::string> seen;
  store.sections([&]<class T, Device D>(const Section<T, D>& s) {
    seen.push_back(std::string(s.parameter) + (s.kind == SectionKind::frozen ? " frozen" : "") + std::string(s.slot));
    CHECK(std::is_same_v<T, float>);
  });
  CHECK(seen == std::vector<std::string>{"weight", "weightexp_avg", "weightexp_avg_sq", "bias", "biasexp_avg",
                                         "biasexp_avg_sq", "norm frozen"});
}

TEST_CASE("an update moves what is computed with, in full precision", "[store]") {
  SmallOnes<Precision::bf16> model;
  ParameterStore store(model.registry(), {}, AdamW{.epsilon = 0});
  store.fill([](const auto&, Index e) { return double(odd(e)); });
  fill_values(*model.registry().params[1].grad, 1.0f);
  Threads threads(1);
  const Buffer<std::byte, under_test> none;
  Arena arena(none);
  Scope s(arena, threads);
  const std::vector<double> rates(3, 0x1p-18);
  REQUIRE(store.units() == 2);
  for (int u = 0; u < 2; ++u) update_unit(s, store.layout(), &store, u, store.unit(u).held_optimizer, {rates, 1, 1});
  CHECK(is_odd(model.bias.full(), -0x1p-18f));
  CHECK(is_odd(model.norm.full()));
  round_masters(s, store, 1, store.unit(1).held_optimizer);
  CHECK(is_odd(model.bias.full(), -0x1p-18f));
}

TEST_CASE("every rank holds all small parameters, whatever else is shared", "[store]") {
  SmallOnes<Precision::bf16> model;
  const Placement second{1, 2, true, true, true};
  ParameterStore store(model.registry(), second);
  const UnitLayout &shared = store.layout().units()[0], &exact = store.layout().units()[1];
  CHECK((exact.exact && !shared.exact));
  CHECK(shared.held_optimizer == Range{64, 128});
  CHECK(exact.held_optimizer == Range{0, 64});
  CHECK(exact.held_grads == Range{0, 64});
  CHECK(exact.held_frozen.size() == 64);
  CHECK(exact.held_weights.size() == 0);
  CHECK(exact.share == Range{32, 64});  // of the squares of gradients
  CHECK(store.held(1, 0, 7, 0) == Range{0, 7});
  store.fill([](const auto&, Index e) { return double(odd(e)); });
  CHECK(is_odd(model.bias.full()));
  const StoreBytes bytes = store.layout().bytes(exact);
  CHECK(bytes == StoreBytes{64 * 4, 0, 64 * 4, 64 * 4, 2 * 64 * 4});
  CHECK(store.layout().bytes() == store.bytes());
}

TEST_CASE("where operands are not narrower there are no exact parameters", "[store]") {
  STATIC_REQUIRE(
      std::is_same_v<exact_param_t<Policy<under_test, Precision::f32>>, param_t<Policy<under_test, Precision::f32>>>);
  SmallOnes<Precision::f32> model;
  CHECK(StoreLayout(model.registry()).units().size() == 1);
}
