// A matrix of ours seen by Eigen: the same elements, strides, and nothing between the rows.
#include <catch2/catch.hpp>
#include <unit/device.hpp>
#include <vlt/tensor/as_eigen.hpp>
#include <vlt/tensor/tokens.hpp>
#include "../cpu/random_matrix.hpp"
using namespace vlt;

TEMPLATE_TEST_CASE("Eigen sees the elements of a strided matrix", "", float, double) {
  Twin<TestType> t(5, 7);
  const auto e = as_eigen(t.m);
  REQUIRE(e.rows() == 5);
  REQUIRE(e.cols() == 7);
  for (Index r = 0; r < 5; ++r)
    for (Index c = 0; c < 7; ++c) CHECK(&e(r, c) == &t.m(r, c));
}

TEST_CASE("expressions of Eigen write rows and nothing between them") {
  Twin<float> x(5, 7), y(5, 7);
  as_eigen(y.m) = 2 * as_eigen(x.m).array().square() + 1;
  for (Index r = 0; r < 5; ++r)
    for (Index c = 0; c < 7; ++c) CHECK(y.m(r, c) == Approx(2 * x.m(r, c) * x.m(r, c) + 1));
  CHECK(y.intact());
}

TEST_CASE("parts, constants and tokens are seen as what they are") {
  Twin<double> t(6, 8);
  const auto part = columns(row_range(t.m, 2, 3), 1, 4);
  CHECK(as_eigen(part)(0, 0) == t.m(2, 1));
  CHECK(as_eigen(part).sum() == Approx(as_eigen(t.m).block(2, 1, 3, 4).sum()));

  const Matrix<const double, under_test> constant{t.m.data, 6, 8, t.m.stride};
  static_assert(!(int(std::decay_t<decltype(as_eigen(constant))>::Flags) & Eigen::LvalueBit));
  CHECK(as_eigen(constant)(5, 7) == t.m(5, 7));

  Tokens<space::text, double, under_test> tokens;
  tokens.data = t.m.data, tokens.rows = 6, tokens.cols = 8, tokens.stride = t.m.stride;
  CHECK(as_eigen(tokens)(4, 3) == t.m(4, 3));
}

TEST_CASE("the instruction set is part of the types of expressions") {
  constexpr Device other = under_test == Device::portable ? Device::avx2 : Device::portable;
  const auto expression = []<Device D>(Matrix<float, D> m) { return as_eigen(m).array().exp().rowwise().sum().eval(); };
  using Here = decltype(as_eigen(Matrix<float, under_test>{}).array().exp() + 1);
  using There = decltype(as_eigen(Matrix<float, other>{}).array().exp() + 1);
  CHECK_FALSE(std::is_same_v<Here, There>);
  Twin<float> t(2, 3);
  CHECK(expression(t.m)(0) == Approx(std::exp(t.m(0, 0)) + std::exp(t.m(0, 1)) + std::exp(t.m(0, 2))));
}
