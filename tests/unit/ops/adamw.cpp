#include <catch2/catch.hpp>
#include <vlt/ops/adamw.hpp>
#include "../cpu/isa.hpp"
#include "../cpu/random_matrix.hpp"
using namespace vlt;

TEST_CASE("AdamW with a constant gradient moves by the rate in every step") {
  double g[] = {0.1, -0.2, 9}, w[] = {1, 1, 7}, m[] = {0, 0, 7}, v[] = {0, 0, 7}, c[] = {0, 0, 7};
  ops::AdamWStep o{.epsilon = 1e-6, .rate = 1e-2, .decay = 0.1, .clip = 0.5};
  for (o.number = 1; o.number <= 2; ++o.number) ops::reference::adamw(o, g, w, m, v, c, 2);
  const auto want = [](double gi) {
    double p = 1;
    for (int i = 0; i < 2; ++i) p -= 1e-2 * (0.1 * p + gi / (std::abs(gi) + 1e-6));
    return p;
  };
  CHECK(w[0] == Approx(want(0.05)).epsilon(1e-14));
  CHECK(w[1] == Approx(want(-0.1)).epsilon(1e-14));
  CHECK(c[0] == w[0]);
  CHECK((w[2] == 7 && m[2] == 7 && v[2] == 7 && c[2] == 7));  // what lies behind is somebody else's
}

TEMPLATE_TEST_CASE("AdamW in registers is AdamW", "", bf16, f16) {
  for_each_isa([]<Device D>() {
    for (Index n : {1, 15, 16, 47, 100}) {
      CAPTURE(name_of(D), n);
      Twin<float> g(1, n), w(1, n), m(1, n, 0.1), v(1, n, 0.1);
      Twin<TestType> compute(1, n);
      for (Index i = 0; i < n; ++i) v.m(0, i) = v.m(0, i) * v.m(0, i), v.d(0, i) = double(v.m(0, i));
      ops::AdamWStep o{.rate = 1e-2, .decay = 0.1, .clip = 0.7};
      for (o.number = 1; o.number <= 3; ++o.number) {
        ops::wide::adamw<D>(o, &g.m(0, 0), &w.m(0, 0), &m.m(0, 0), &v.m(0, 0), &compute.m(0, 0), n);
        ops::reference::adamw(o, &g.d(0, 0), &w.d(0, 0), &m.d(0, 0), &v.d(0, 0), &compute.d(0, 0), n);
      }
      CHECK(w.off(1e-6, 1e-6) < 1);
      CHECK(m.off(1e-7, 1e-6) < 1);
      CHECK(v.off(1e-7, 1e-6) < 1);
      CHECK(compute.off(1e-6, unit<TestType>) < 1);
    }
  });
}

TEST_CASE("a step of AdamW that says nothing of itself is the first, of a whole gradient, at no rate") {
  const ops::AdamWStep o;
  CHECK((o.beta1 == 0.9 && o.beta2 == 0.95 && o.epsilon == 1e-8 && o.rate == 0 && o.decay == 0));
  CHECK((o.clip == 1 && o.number == 1));
}
