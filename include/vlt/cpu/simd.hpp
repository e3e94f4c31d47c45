#pragma once
#include <cstring>
#include <type_traits>
#include <vlt/base/config.hpp>
#include <vlt/base/policy.hpp>
#if VLT_ISA_AVX2 || VLT_ISA_AVX512
#include <immintrin.h>
#endif

namespace vlt::cpu {

template <class T, int N> struct vector_of { typedef T type [[gnu::vector_size(N * sizeof(T))]]; };

// How many floats one register of an instruction set holds; a device that is not the host has none.
template <Device D>
inline constexpr int lanes = !host_code<D>::ok       ? 0
                             : D == Device::avx2     ? 8
                             : D == Device::portable ? 4
                                                     : 16;

template <Device D> using Floats = typename vector_of<float, lanes<D>>::type;
template <Device D> using Words = typename vector_of<std::uint32_t, lanes<D>>::type;
template <Device D> using Halves = typename vector_of<std::uint16_t, lanes<D>>::type;

template <class To, class From> [[gnu::always_inline]] inline To same_bits(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}

#if VLT_ISA_AVX2
// The eight-lane mask whose first `count` lanes are set.
[[gnu::always_inline]] inline Words<Device::avx2> first_lanes(int count) {
  static constexpr std::uint32_t window[16] = {~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u};
  Words<Device::avx2> v;
  std::memcpy(&v, window + 8 - count, sizeof v);
  return v;
}
#endif

template <Device D> [[gnu::always_inline]] inline Floats<D> broadcast(float x) { return x - Floats<D>{}; }

template <Device D> [[gnu::always_inline]] inline Floats<D> load(const float* from) {
  Floats<D> v;
  std::memcpy(&v, from, sizeof v);
  return v;
}
template <Device D, SixteenBits T> [[gnu::always_inline]] inline Halves<D> load_halves(const T* from) {
  Halves<D> h;
  std::memcpy(&h, from, sizeof h);
  return h;
}

// Floats of the upper halves that bf16 is.
template <Device D> [[gnu::always_inline]] inline Floats<D> widened(Halves<D> h, bf16) {
  return same_bits<Floats<D>>(Words<D>(__builtin_convertvector(h, Words<D>) << 16));
}
// Floats of IEEE halves. A subnormal one is what is left above 2^-14 once its mantissa has been put there.
template <Device D> [[gnu::always_inline]] inline Floats<D> widened(Halves<D> h, f16) {
#if VLT_ISA_AVX512
  if constexpr (lanes<D> == 16) return same_bits<Floats<D>>(_mm512_maskz_cvtph_ps(0xffff, same_bits<__m256i>(h)));
#endif
#if VLT_ISA_AVX2
  if constexpr (lanes<D> == 8) return same_bits<Floats<D>>(_mm256_cvtph_ps(same_bits<__m128i>(h)));
#endif
  const Words<D> bits = __builtin_convertvector(h, Words<D>), size = (bits & 0x7fff) << 13;
  const auto small = same_bits<Words<D>>(Floats<D>(same_bits<Floats<D>>(Words<D>(size + (113u << 23))) - 0x1p-14f));
  const Words<D> larger = size + Words<D>(size >= 31u << 23 ? Words<D>{} + (224u << 23) : Words<D>{} + (112u << 23));
  return same_bits<Floats<D>>(Words<D>(Words<D>(size < 1u << 23 ? small : larger) | (bits & 0x8000) << 16));
}
template <Device D, SixteenBits T> [[gnu::always_inline]] inline Floats<D> load(const T* from) {
  return widened<D>(load_halves<D>(from), T());
}

// Rounds to nearest, ties to even; a NaN stays one.
template <Device D> [[gnu::always_inline]] inline Halves<D> rounded(Floats<D> v, bf16 = {}) {
#if VLT_ISA_AVX512_BF16
  if constexpr (D == Device::avx512_bf16) return same_bits<Halves<D>>(_mm512_cvtneps_pbh(same_bits<__m512>(v)));
#endif
  const auto bits = same_bits<Words<D>>(v);
  const Words<D> even = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  return __builtin_convertvector(Words<D>(v == v ? even : Words<D>{} + 0x7fc0), Halves<D>);
}
template <Device D> [[gnu::always_inline]] inline Halves<D> rounded(Floats<D> v, f16) {  // as float_to_half()
#if VLT_ISA_AVX512
  if constexpr (lanes<D> == 16)
    return same_bits<Halves<D>>(_mm512_maskz_cvtps_ph(0xffff, same_bits<__m512>(v), _MM_FROUND_TO_NEAREST_INT));
#endif
#if VLT_ISA_AVX2
  if constexpr (lanes<D> == 8)
    return same_bits<Halves<D>>(_mm256_cvtps_ph(same_bits<__m256>(v), _MM_FROUND_TO_NEAREST_INT));
#endif
  const auto bits = same_bits<Words<D>>(v);
  const Words<D> size = bits & 0x7fffffff, normal = ((size + 0xfff + (size >> 13 & 1)) >> 13) - (112u << 10);
  const Words<D> small = same_bits<Words<D>>(Floats<D>(same_bits<Floats<D>>(size) + 0.5f)) - 0x3f000000u;
  Words<D> h = size < 0x38800000u ? small : normal;
  h = size >= 0x477ff000u ? Words<D>{} + 0x7c00 : h;
  h = size > 0x7f800000u ? Words<D>{} + 0x7e00 : h;
  return __builtin_convertvector(Words<D>(h | (bits >> 16 & 0x8000)), Halves<D>);
}
template <Device D> [[gnu::always_inline]] inline void store(float* to, Floats<D> v) { std::memcpy(to, &v, sizeof v); }
template <Device D, SixteenBits T> [[gnu::always_inline]] inline void store(T* to, Floats<D> v) {
  const Halves<D> h = rounded<D>(v, T());
  std::memcpy(static_cast<void*>(to), &h, sizeof h);
}

// The first `count` lanes; the others read as zero and are not written.
template <Device D, SixteenBits T> [[gnu::always_inline]] inline Halves<D> load_halves(const T* from, int count) {
#if VLT_ISA_AVX512
  if constexpr (lanes<D> == 16)
    return same_bits<Halves<D>>(_mm256_maskz_loadu_epi16(__mmask16((1u << count) - 1), from));
#endif
  Halves<D> h = {};
  std::memcpy(&h, from, count * sizeof(T));
  return h;
}
template <Device D, SixteenBits T> [[gnu::always_inline]] inline Floats<D> load(const T* from, int count) {
  return widened<D>(load_halves<D>(from, count), T());
}
template <Device D> [[gnu::always_inline]] inline Floats<D> load(const float* from, int count) {
#if VLT_ISA_AVX512
  if constexpr (lanes<D> == 16) return same_bits<Floats<D>>(_mm512_maskz_loadu_ps(__mmask16((1u << count) - 1), from));
#endif
#if VLT_ISA_AVX2
  if constexpr (lanes<D> == 8)
    return same_bits<Floats<D>>(_mm256_maskload_ps(from, same_bits<__m256i>(first_lanes(count))));
#endif
  Floats<D> v = {};
  std::memcpy(&v, from, count * sizeof(float));
  return v;
}
template <Device D, SixteenBits T> [[gnu::always_inline]] inline void store(T* to, Floats<D> v, int count) {
  const Halves<D> h = rounded<D>(v, T());
#if VLT_ISA_AVX512
  if constexpr (lanes<D> == 16)
    return _mm256_mask_storeu_epi16(to, __mmask16((1u << count) - 1), same_bits<__m256i>(h));
#endif
  std::memcpy(static_cast<void*>(to), &h, count * sizeof(T));
}
template <Device D> [[gnu::always_inline]] inline void store(float* to, Floats<D> v, int count) {
#if VLT_ISA_AVX512
  if constexpr (lanes<D> == 16) return _mm512_mask_storeu_ps(to, __mmask16((1u << count) - 1), same_bits<__m512>(v));
#endif
#if VLT_ISA_AVX2
  if constexpr (lanes<D> == 8)
    return _mm256_maskstore_ps(to, same_bits<__m256i>(first_lanes(count)), same_bits<__m256>(v));
#endif
  std::memcpy(to, &v, count * sizeof(float));
}

// A count known at compile time; Whole stands for every lane, so that one loop body serves whole registers and the
// rest.
template <int N> using Count = std::integral_constant<int, N>;
template <Device D> using Whole = Count<lanes<D>>;
template <Device D, class T, int N> [[gnu::always_inline]] inline Floats<D> load(const T* from, Count<N>) {
  if constexpr (N == lanes<D>) return load<D>(from);
  else return load<D>(from, N);
}
template <Device D, class T, int N> [[gnu::always_inline]] inline void store(T* to, Floats<D> v, Count<N>) {
  if constexpr (N == lanes<D>) store<D>(to, v);
  else store<D>(to, v, N);
}

// The first `count` lanes, and zeros.
template <Device D> [[gnu::always_inline]] inline Floats<D> first(Floats<D> v, Whole<D>) { return v; }
template <Device D> [[gnu::always_inline]] inline Floats<D> first(Floats<D> v, int count) {
  for (int i = count; i < lanes<D>; ++i) v[i] = 0;
  return v;
}

// Calls f(first, count) for consecutive registers of n elements; count is Whole, or an int for what is left.
template <Device D, class F> [[gnu::always_inline]] inline void for_each_register(Index n, F&& f) {
  Index i = 0;
  for (; i + lanes<D> <= n; i += lanes<D>) f(i, Whole<D>{});
  if (i < n) f(i, int(n - i));
}

template <Device D> [[gnu::always_inline]] inline Floats<D> larger(Floats<D> a, Floats<D> b) {
#if VLT_ISA_AVX512
  if constexpr (lanes<D> == 16)
    return same_bits<Floats<D>>(_mm512_maskz_max_ps(0xffff, same_bits<__m512>(a), same_bits<__m512>(b)));
#endif
#if VLT_ISA_AVX2
  if constexpr (lanes<D> == 8) return same_bits<Floats<D>>(_mm256_max_ps(same_bits<__m256>(a), same_bits<__m256>(b)));
#endif
  return a > b ? a : b;
}
template <Device D> [[gnu::always_inline]] inline Floats<D> smaller(Floats<D> a, Floats<D> b) {
#if VLT_ISA_AVX512
  if constexpr (lanes<D> == 16)
    return same_bits<Floats<D>>(_mm512_maskz_min_ps(0xffff, same_bits<__m512>(a), same_bits<__m512>(b)));
#endif
#if VLT_ISA_AVX2
  if constexpr (lanes<D> == 8) return same_bits<Floats<D>>(_mm256_min_ps(same_bits<__m256>(a), same_bits<__m256>(b)));
#endif
  return a < b ? a : b;
}
template <Device D> [[gnu::always_inline]] inline Floats<D> square_root(Floats<D> v) {
#if VLT_ISA_AVX512
  if constexpr (lanes<D> == 16) return same_bits<Floats<D>>(_mm512_maskz_sqrt_ps(0xffff, same_bits<__m512>(v)));
#endif
#if VLT_ISA_AVX2
  if constexpr (lanes<D> == 8) return same_bits<Floats<D>>(_mm256_sqrt_ps(same_bits<__m256>(v)));
#endif
  for (int i = 0; i < lanes<D>; ++i) v[i] = __builtin_sqrtf(v[i]);
  return v;
}

// Sums are formed pairwise: lane i with lane i + half.
template <Device D> [[gnu::always_inline]] inline float sum(Floats<D> v) {
  float part[lanes<D>];
  store<D>(part, v);
  for (int half = lanes<D> / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) part[i] += part[i + half];
  return part[0];
}
template <Device D> [[gnu::always_inline]] inline float largest(Floats<D> v) {
  float top = v[0];
  for (int i = 1; i < lanes<D>; ++i) top = v[i] > top ? v[i] : top;
  return top;
}

}  // namespace vlt::cpu
