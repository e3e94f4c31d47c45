#pragma once
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <simt/ptx/module.hpp>
#include <vlt/base/dtype.hpp>

// Registers hold bits; instructions say what they mean.
namespace vlt::simt::ptx {

inline float f32(std::uint64_t bits) { return std::bit_cast<float>(std::uint32_t(bits)); }
inline double f64(std::uint64_t bits) { return std::bit_cast<double>(bits); }
inline std::uint64_t bits(float x) { return std::bit_cast<std::uint32_t>(x); }
inline std::uint64_t bits(double x) { return std::bit_cast<std::uint64_t>(x); }

inline std::uint64_t zero_extended(std::uint64_t x, int width) {
  return width == 64 ? x : x & ((std::uint64_t(1) << width) - 1);
}
inline std::int64_t sign_extended(std::uint64_t x, int width) {
  return width == 64 ? std::int64_t(x) : std::int64_t(x << (64 - width)) >> (64 - width);
}
// The number that bits of a type mean; integers of up to 53 bits as well.
inline double number(Type t, std::uint64_t x) {
  if (t == Type::f32) return double(f32(x));
  if (t == Type::f64) return f64(x);
  if (t == Type::bf16) return double(std::bit_cast<float>(std::uint32_t(x) << 16));
  if (t == Type::f16) return double(half_to_float(std::uint16_t(x)));
  return is_signed(t) ? double(sign_extended(x, bits_of(t))) : double(zero_extended(x, bits_of(t)));
}
inline std::uint64_t bits_of_number(Type t, double x) {
  if (t == Type::f64) return bits(x);
  if (t == Type::f32) return bits(float(x));
  return t == Type::f16 ? float_to_half(float(x)) : bf16(float(x)).bits;
}
// An integer type's nearest to x, which is whole: what is too large becomes the largest (PTX ISA, cvt).
inline std::uint64_t integer_bits(Type t, double x) {
  const int width = bits_of(t);
  if (std::isnan(x)) return 0;
  if (is_signed(t)) {
    const double limit = std::ldexp(1.0, width - 1);
    if (x >= limit) return zero_extended(~std::uint64_t(0), width - 1);
    return x < -limit ? std::uint64_t(1) << (width - 1) : std::uint64_t(std::int64_t(x));
  }
  if (x <= 0) return 0;
  return x >= std::ldexp(1.0, width) ? zero_extended(~std::uint64_t(0), width) : std::uint64_t(x);
}
// x to so many bits of mantissa, the rest cut off.
inline float chopped(double x, int mantissa) {
  if (x == 0 || !std::isfinite(x)) return float(x);
  int exponent;
  const double m = std::frexp(x, &exponent);
  return float(std::ldexp(std::trunc(std::ldexp(m, mantissa)), exponent - mantissa));
}
inline float rounded_down(double x) {
  const float y = float(x);
  return double(y) > x ? std::nextafter(y, -std::numeric_limits<float>::infinity()) : y;
}

}  // namespace vlt::simt::ptx
