#include <catch2/catch.hpp>
#include <cmath>
#include <vlt/base/dtype.hpp>
using vlt::bf16;

TEST_CASE("bf16 rounds to nearest, halves to even, and keeps signs and what is no number") {
  CHECK(float(bf16(1.00390625f)) == 1.0f);
  CHECK(float(bf16(1.01171875f)) == 1.015625f);
  CHECK(float(bf16(1.004f)) == 1.0078125f);
  CHECK(float(bf16(-3.0f)) == -3.0f);
  CHECK(float(bf16(3.4e38f)) == INFINITY);
  CHECK(float(bf16(-INFINITY)) == -INFINITY);
  CHECK(std::isnan(float(bf16(NAN))));
}
