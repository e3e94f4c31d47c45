#pragma once
#include <type_traits>
#include <vlt/base/dtype.hpp>
#include <vlt/simt/platform.hpp>
#if VLT_CUDA_COMPILER
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#endif

namespace vlt::simt {

// N numbers side by side that one instruction loads and stores.
template <class T, int N> struct alignas(sizeof(T) * N) Vec {
  T at[N];
  VLT_SIMT T& operator[](int i) { return at[i]; }
  VLT_SIMT const T& operator[](int i) const { return at[i]; }
};

// A stored number as the float that is computed with, and back, rounded to nearest, ties to even.
template <class T> VLT_SIMT float widen(T x) {
  if constexpr (std::is_same_v<T, float>) return x;
  else {
#if VLT_ON_DEVICE
    if constexpr (std::is_same_v<T, bf16>) return __uint_as_float(std::uint32_t(x.bits) << 16);
    else return __half2float(__ushort_as_half(x.bits));
#else
    return float(x);
#endif
  }
}
template <class T> VLT_SIMT T narrow(float x) {
  if constexpr (std::is_same_v<T, float>) return x;
  else {
#if VLT_ON_DEVICE
    T y;
    if constexpr (std::is_same_v<T, bf16>) y.bits = __bfloat16_as_ushort(__float2bfloat16_rn(x));
    else y.bits = __half_as_ushort(__float2half_rn(x));
    return y;
#else
    return T(x);
#endif
  }
}
// Two numbers of 16 bits as tensor cores read them: the first in the lower half.
template <class T> VLT_SIMT std::uint32_t pair_of(float first, float second) {
  static_assert(sizeof(T) == 2);
  return std::uint32_t(narrow<T>(first).bits) | std::uint32_t(narrow<T>(second).bits) << 16;
}

// How many numbers of these types a thread takes at once: 16 bytes of the widest.
template <class... T>
inline constexpr int vector_length = [] {
  std::size_t widest = 2;
  ((widest = sizeof(T) > widest ? sizeof(T) : widest), ...);
  return int(16 / widest);
}();

}  // namespace vlt::simt
