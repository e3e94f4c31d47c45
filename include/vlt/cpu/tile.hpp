#pragma once
#include <algorithm>
#include <vlt/cpu/simd.hpp>

// The innermost product: a few rows of A times a few registers of B, sums in registers. Operands come as panels of
// 32-bit units: one float, or two bf16 that are neighbours along the contraction.
namespace vlt::cpu {

using Unit = std::uint32_t;

// What a product of T multiplies: T, but for halves floats. No processor here multiplies halves into a float.
template <class T> using Factor = std::conditional_t<std::is_same_v<T, f16>, float, T>;
// What a weight's panels are made of, when they are kept: units, but for halves themselves, one where a unit would be.
// They become floats on their way into registers.
template <class T> using Packed = std::conditional_t<std::is_same_v<T, f16>, f16, Unit>;

// How many elements along the contraction one unit holds, and how many units a contraction of length k takes.
template <class T> inline constexpr Index per_unit = Index(sizeof(Unit) / sizeof(Factor<T>));
template <class T> constexpr Index units_of(Index k) { return (k + per_unit<T> - 1) / per_unit<T>; }

constexpr Index rounded_up(Index n, Index step) { return (n + step - 1) / step * step; }
// The size of equal parts of n, each at most `limit`, but a multiple of `step`.
constexpr Index balanced(Index n, Index limit, Index step) {
  const Index parts = std::max<Index>(1, (n + limit - 1) / limit);
  return std::max(step, rounded_up((n + parts - 1) / parts, step));
}

// The shape of the sums kept in registers: `rows` of A by `cols` columns of B, and one register each to feed them.
template <Device D> struct Tile {
  static constexpr int rows = D == Device::portable ? 4 : D == Device::avx2 ? 6 : 8;
  static constexpr int vectors = lanes<D> == 16 ? 3 : 2;
  static constexpr int cols = vectors * lanes<D>;
};

template <Device D> [[gnu::always_inline]] inline Words<D> load_units(const Unit* from) {
  Words<D> v;
  std::memcpy(&v, from, sizeof v);
  return v;
}
template <Device D> [[gnu::always_inline]] inline Words<D> load_units(const f16* from) {
  return same_bits<Words<D>>(load<D>(from));
}

// sum += a b, for units of T.
template <Device D, class T>
[[gnu::always_inline]] inline Floats<D> add_product(Floats<D> sum, Words<D> a, Words<D> b) {
  if constexpr (std::is_same_v<T, float>) return sum + same_bits<Floats<D>>(a) * same_bits<Floats<D>>(b);
#if VLT_ISA_AVX512_BF16
  if constexpr (D == Device::avx512_bf16 && std::is_same_v<T, bf16>)
    return same_bits<Floats<D>>(
        _mm512_dpbf16_ps(same_bits<__m512>(sum), same_bits<__m512bh>(a), same_bits<__m512bh>(b)));
#endif
  if constexpr (std::is_same_v<T, bf16>) {
    sum += same_bits<Floats<D>>(Words<D>(a << 16)) * same_bits<Floats<D>>(Words<D>(b << 16));
    return sum + same_bits<Floats<D>>(Words<D>(a & 0xffff0000u)) * same_bits<Floats<D>>(Words<D>(b & 0xffff0000u));
  }
}

enum class Sum : bool { fresh, added };  // out = A B, or out += A B

// out: (rows, Tile::cols) floats, `stride` apart;  a: (units, Tile::rows) units;  b: (units, Tile::cols) units, or
// halves in their place. T is a Factor.
template <Device D, class T, int rows, class B>
[[gnu::noinline]] void tile_product(Index units, const Unit* a, const B* b, float* out, Index stride, Sum how) {
  constexpr int vectors = Tile<D>::vectors;
  Floats<D> sum[rows][vectors];
#pragma GCC unroll 8
  for (int i = 0; i < rows; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < vectors; ++j)
      sum[i][j] = how == Sum::added ? load<D>(out + i * stride + j * lanes<D>) : Floats<D>{};
#pragma GCC unroll 2
  for (Index u = 0; u < units; ++u) {
    Words<D> right[vectors];
#pragma GCC unroll 4
    for (int j = 0; j < vectors; ++j) right[j] = load_units<D>(b + j * lanes<D>);
#pragma GCC unroll 8
    for (int i = 0; i < rows; ++i) {
      const Words<D> left = a[i] - Words<D>{};
#pragma GCC unroll 4
      for (int j = 0; j < vectors; ++j) sum[i][j] = add_product<D, T>(sum[i][j], left, right[j]);
    }
    a += Tile<D>::rows, b += Tile<D>::cols;
  }
#pragma GCC unroll 8
  for (int i = 0; i < rows; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < vectors; ++j) store<D>(out + i * stride + j * lanes<D>, sum[i][j]);
}

// The same for a number of rows that is known when it runs: from 1 to `most`.
template <Device D, class T, int most = Tile<D>::rows, class B>
inline void tile_product(int rows, Index units, const Unit* a, const B* b, float* out, Index stride, Sum how) {
  if constexpr (most > 1)
    if (rows < most) return tile_product<D, T, most - 1>(rows, units, a, b, out, stride, how);
  tile_product<D, T, most>(units, a, b, out, stride, how);
}

}  // namespace vlt::cpu
