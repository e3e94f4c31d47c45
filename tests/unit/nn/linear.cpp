// Gradient checks of everything that is not a block, under every tuning.
#include <vlt/nn/sequential.hpp>
#include "check.hpp"
using namespace vlt;

TEMPLATE_TEST_CASE("linear layers and norms", "", Gold, Gold::adapted, Gold::frozen) {
  using P = TestType;
  check(name_of<P>() + " Linear", Linear<P>(5, 8, true));
  check(name_of<P>() + " Linear without bias", Linear<P>(5, 8, false));
  check(name_of<P>() + " LinearGroup", LinearGroup<P, space::text, "a", "b", "c">({4, 3, 5}, 8, true));
  check(name_of<P>() + " RmsNorm", RmsNorm<P>(8, 0.1));
  check(name_of<P>() + " LayerNorm", LayerNorm<P>(8, 0.1));
  check(name_of<P>() + " Sequential", Sequential<Linear<P>, Linear<P>>{{5, 8, true}, {7, 5, true}});
}

TEMPLATE_TEST_CASE("perceptrons", "", Gold, Gold::frozen) {
  using P = TestType;
  check(name_of<P>() + " SwiGlu", SwiGlu<P>(odd_sizes()));
  for (auto f : {Activation::gelu, Activation::gelu_tanh, Activation::quick_gelu}) {
    BlockSizes c = odd_sizes();
    c.activation = f;
    check(name_of<P>() + " Mlp " + std::to_string(int(f)), Mlp<P>(c));
  }
}

TEST_CASE("adapters on some members of a fused group, beside weights that train") {
  for (const bool bias : {true, false}) {
    LinearGroup<Gold, space::text, "a", "b", "c"> some({4, 3, 5}, 8, bias), all = some, both = some;
    attach_adapters(registry_of<Gold>(some), {"a", "c"}, 3, 5.0);
    check("adapters on a and c, b trains", some);
    attach_adapters(registry_of<Gold>(all), {""}, 2, 5.0);
    check("adapters everywhere", all);
    attach_adapters(registry_of<Gold>(both), {"b"}, 2, 5.0);
    choose<Gold>(both, [](const auto&) { return true; });
    check("weights and adapters together", both);
  }
}

TEST_CASE("an input is kept only if backward reads it, and only in the type in which it is read") {
  CHECK_FALSE(Linear<Gold::frozen>(5, 8, true).keeps_input());
  CHECK_FALSE(LinearGroup<Gold::frozen, space::text, "a">({4}, 8, true).keeps_input());
  Linear<Gold::adapted> adapted(5, 8, true);
  CHECK_FALSE(adapted.keeps_input());
  attach_adapters(registry_of<Gold>(adapted), {""}, 2, 1.0);
  CHECK(adapted.keeps_input());
  Linear<Gold> trainable(5, 8, true);
  CHECK(trainable.keeps_input());
  trainable.weight.choose(false);
  CHECK_FALSE(trainable.keeps_input());
  using Half = Policy<under_test, Precision::bf16>;
  CHECK_FALSE(Linear<Half, stream_t<Half, space::text>>(5, 8, true).keeps_input());  // it keeps a rounded copy itself
  CHECK(Linear<Half>(5, 8, true).keeps_input());
}
