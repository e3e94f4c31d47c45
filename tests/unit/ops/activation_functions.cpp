// The formulas that everything else is compared with: against numbers, and their derivatives against differences.
#include <catch2/catch.hpp>
#include <vlt/ops/activation_functions.hpp>

using namespace vlt;

TEST_CASE("activations have the values of their definitions", "[golden]") {
  // x, gelu, gelu_tanh, quick_gelu, printed by Python's math.erf, math.tanh and math.exp
  const double rows[][4] = {{-3.0, -0.00404969409489031, -0.0036373920817729943, -0.01807130970778597},
                            {-0.7, -0.1693745565561511, -0.16942986529488321, -0.16310604827684988},
                            {0.0, 0.0, 0.0, 0.0},
                            {0.4, 0.2621686966441297, 0.2621611694273562, 0.2655668902881656},
                            {2.5, 2.4844758366855597, 2.484915733910001, 2.46501383495143}};
  for (const auto& [x, gelu, gelu_tanh, quick_gelu] : rows) {
    CAPTURE(x);
    CHECK(ops::reference::activate(Activation::gelu, x) == Approx(gelu).epsilon(1e-14));
    CHECK(ops::reference::activate(Activation::gelu_tanh, x) == Approx(gelu_tanh).epsilon(1e-14));
    CHECK(ops::reference::activate(Activation::quick_gelu, x) == Approx(quick_gelu).epsilon(1e-14));
    CHECK(ops::reference::activate(Activation::none, x) == x);
  }
}

TEST_CASE("derivatives of activations are what differences say") {
  for (const Activation f : {Activation::none, Activation::gelu, Activation::gelu_tanh, Activation::quick_gelu})
    for (double x = -4; x <= 4; x += 0.17) {
      CAPTURE(int(f), x);
      const auto y = [&](double at) { return ops::reference::activate(f, at); };
      const double h = 1e-3;  // five points: the error is of order h^4
      const double slope = (8 * (y(x + h) - y(x - h)) - (y(x + 2 * h) - y(x - 2 * h))) / (12 * h);
      CHECK(ops::reference::activate_derivative(f, x) == Approx(slope).epsilon(1e-9).margin(1e-9));
    }
}
