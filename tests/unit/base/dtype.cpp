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
  CHECK(bf16().bits == 0);
}

TEST_CASE("fp16 is half precision as a type") {
  CHECK(float(vlt::f16(1.0f + 0x1.8p-10f)) == 1.0f + 0x1p-9f);
  CHECK(float(vlt::f16(-70000.0f)) == -INFINITY);
  CHECK(float(vlt::f16()) == 0);
  CHECK(vlt::f16(-2.0f).bits == 0xc000);
}

TEST_CASE("half precision: every value survives, and rounding is to nearest even") {
  for (std::uint32_t h = 0; h < 0x10000; ++h) {
    const float x = vlt::half_to_float(std::uint16_t(h));
    if (std::isnan(x)) CHECK(std::isnan(vlt::half_to_float(vlt::float_to_half(x))));
    else if (vlt::float_to_half(x) != h) FAIL("half " << h << " becomes " << vlt::float_to_half(x));
  }
  CHECK(vlt::half_to_float(0x0001) == 0x1p-24f);
  CHECK(vlt::half_to_float(0x7bff) == 65504.0f);
  CHECK(vlt::half_to_float(0xc000) == -2.0f);
  CHECK(vlt::float_to_half(1.0f + 0x1p-11f + 0x1p-23f) == 0x3c01);  // just above a tie
  CHECK(std::isnan(vlt::half_to_float(vlt::float_to_half(std::bit_cast<float>(0x7f800001u)))));
  CHECK(vlt::float_to_half(65519.0f) == 0x7bff);
  CHECK(vlt::float_to_half(65520.0f) == 0x7c00);
  CHECK(vlt::float_to_half(1e30f) == 0x7c00);
  CHECK(vlt::float_to_half(-INFINITY) == 0xfc00);
  CHECK(vlt::float_to_half(0x1p-25f) == 0);  // a tie with 0: even
  CHECK(vlt::float_to_half(0x1.8p-24f) == 2);
  CHECK(vlt::float_to_half(1.0f + 0x1p-11f) == 0x3c00);
  CHECK(vlt::float_to_half(1.0f + 0x1.8p-10f) == 0x3c02);
  CHECK(vlt::float_to_half(0x1.ffap-15f) == 0x03ff);
  CHECK(vlt::float_to_half(0x1.ffcp-15f) == 0x0400);  // a tie with the smallest normal number: even
}
