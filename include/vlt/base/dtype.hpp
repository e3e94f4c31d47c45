#pragma once
#include <bit>
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

template <class T> struct accum_of { using type = float; };
template <> struct accum_of<double> { using type = double; };

// The type in which sums over elements of T are formed.
template <class T> using accum_t = typename accum_of<T>::type;

}  // namespace vlt
