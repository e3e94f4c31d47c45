#pragma once
#include <bit>
#include <concepts>
#include <cstdint>

namespace vlt {

// The upper half of an IEEE float: 8 bits of exponent, 7 of mantissa. Arithmetic happens in float.
struct bf16 {
  std::uint16_t bits = 0;

  bf16() = default;
  explicit bf16(float value) {  // round to nearest, ties to even; NaN stays NaN
    const auto u = std::bit_cast<std::uint32_t>(value);
    bits = value != value ? std::uint16_t(0x7fc0) : std::uint16_t((u + 0x7fff + ((u >> 16) & 1)) >> 16);
  }
  operator float() const { return std::bit_cast<float>(std::uint32_t(bits) << 16); }
};

// IEEE half precision: 5 bits of exponent, 10 of mantissa; subnormal numbers, infinity and NaN included.
inline float half_to_float(std::uint16_t h) {
  const std::uint32_t sign = std::uint32_t(h & 0x8000) << 16, exponent = (h >> 10) & 31, mantissa = h & 1023;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000 | mantissa << 13);
  if (exponent > 0) return std::bit_cast<float>(sign | (exponent + 112) << 23 | mantissa << 13);
  const float small = float(mantissa) * 0x1p-24f;
  return sign ? -small : small;
}
// Rounds to nearest, ties to even; what is too large becomes infinity.
inline std::uint16_t float_to_half(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = std::uint16_t(bits >> 16 & 0x8000);
  const std::uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00;  // 65520 and above
  if (magnitude < 0x38800000)                         // below 2^-14: a multiple of 2^-24, rounded by the addition
    return std::uint16_t(sign | (std::bit_cast<std::uint32_t>(std::bit_cast<float>(magnitude) + 0.5f) -
                                 std::bit_cast<std::uint32_t>(0.5f)));
  const std::uint32_t rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
  return std::uint16_t(sign | ((rounded >> 13) - (112 << 10)));
}

// A number of IEEE half precision. Arithmetic happens in float.
struct f16 {
  std::uint16_t bits = 0;

  f16() = default;
  explicit f16(float value) : bits(float_to_half(value)) {}
  operator float() const { return half_to_float(bits); }
};

template <class T> concept SixteenBits = std::same_as<T, bf16> || std::same_as<T, f16>;

template <class T> struct accum_of { using type = float; };
template <> struct accum_of<double> { using type = double; };

// The type in which sums over elements of T are formed.
template <class T> using accum_t = typename accum_of<T>::type;

}  // namespace vlt
