#pragma once
#include <algorithm>
#include <utility>
#include <vlt/cpu/tile.hpp>

// Copies parts of a matrix into panels: (units, W) units, W the lanes of a tile (its rows for A, its columns for B).
// What the matrix does not have is filled with zeros.
namespace vlt::cpu {

// A matrix as a product reads it: element (lane, k) is data[lane * lane_stride + k * depth_stride], k along the
// contraction. One of the strides is 1.
template <class T> struct Source {
  const T* data = nullptr;
  Index lane_stride = 0, depth_stride = 0;
  Source at(Index lane, Index k) const {
    return {data + lane * lane_stride + k * depth_stride, lane_stride, depth_stride};
  }
};

// One unit of T, from elements of X (which is T, or a float to be rounded).
template <class T, class X> [[gnu::always_inline]] inline Unit unit_of(X first, X second) {
  if constexpr (std::is_same_v<T, float>) return same_bits<Unit>(first);
  else return Unit(T(first).bits) | Unit(T(second).bits) << 16;
}

template <std::size_t Half, bool Upper, std::size_t... I>
[[gnu::always_inline]] inline auto exchanged(auto a, auto b, std::index_sequence<I...>) {
  constexpr std::size_t n = sizeof...(I);
  if constexpr (Upper) return __builtin_shufflevector(a, b, int(I & Half ? n + I : I + Half)...);
  else return __builtin_shufflevector(a, b, int(I & Half ? n + I - Half : I)...);
}
// One stage of a transposition: rows i and i + Half trade the lanes whose number differs from theirs in that bit.
template <Device D, std::size_t Half> [[gnu::always_inline]] inline void transpose_stage(Words<D> (&row)[lanes<D>]) {
  using All = std::make_index_sequence<lanes<D>>;
#pragma GCC unroll 16
  for (std::size_t i = 0; i < lanes<D>; ++i)
    if (!(i & Half)) {
      const Words<D> a = row[i], b = row[i + Half];
      row[i] = exchanged<Half, false>(a, b, All{});
      row[i + Half] = exchanged<Half, true>(a, b, All{});
    }
}
template <Device D> [[gnu::always_inline]] inline void transpose(Words<D> (&row)[lanes<D>]) {
  if constexpr (lanes < D >> 8) transpose_stage<D, 8>(row);
  if constexpr (lanes < D >> 4) transpose_stage<D, 4>(row);
  transpose_stage<D, 2>(row);
  transpose_stage<D, 1>(row);
}

// A register of consecutive units that starts at `from`.
template <Device D, class T, class X> [[gnu::always_inline]] inline Words<D> units_along(const X* from) {
  if constexpr (sizeof(X) * per_unit<T> == sizeof(Unit)) {
    Words<D> v;
    std::memcpy(&v, from, sizeof v);
    return v;
  } else {  // two registers of floats become one of bf16 pairs
    bf16 half[2 * lanes<D>];
    store<D>(half, load<D>(from));
    store<D>(half + lanes<D>, load<D>(from + lanes<D>));
    return units_along<D, T>(static_cast<const bf16*>(half));
  }
}
// The same where only `left` elements remain.
template <Device D, class T, class X> inline Words<D> units_along(const X* from, Index left) {
  if (left >= lanes<D> * per_unit<T>) return units_along<D, T>(from);
  X all[lanes<D> * 2] = {};
  if (left > 0) std::copy_n(from, left, all);
  return units_along<D, T>(static_cast<const X*>(all));
}

// The contraction is contiguous: squares of units are transposed.
template <Device D, class T, int W, class X>
void pack_along_depth(Source<X> from, Index count, Index depth, Unit* to, Index to_stride) {
  constexpr Index L = lanes<D>, step = L * per_unit<T>, wanted = std::min<Index>(L, W);
  const Index units = units_of<T>(depth);
  for (Index lane = 0; lane < W; lane += L) {
    const Index there = std::clamp<Index>(count - lane, 0, wanted);
    for (Index k = 0, u = 0; u < units; k += step, u += L) {
      Words<D> square[L];
      const X* at = from.data + lane * from.lane_stride + k;
      if (there == wanted && depth - k >= step) {
#pragma GCC unroll 16
        for (Index i = 0; i < L; ++i) {
          square[i] = i < wanted ? units_along<D, T>(at + i * from.lane_stride) : Words<D>{};
          if (i < wanted) __builtin_prefetch(reinterpret_cast<const char*>(at + i * from.lane_stride) + 512);
        }
      } else {
        for (Index i = 0; i < L; ++i)
          square[i] = i < there ? units_along<D, T>(at + i * from.lane_stride, depth - k) : Words<D>{};
      }
      transpose<D>(square);
      const Index rows = std::min(L, units - u);
      for (Index i = 0; i < rows; ++i) std::memcpy(to + (u + i) * to_stride + lane, &square[i], wanted * sizeof(Unit));
    }
  }
}

// The lanes are contiguous: rows k and k + 1 are interleaved where a unit holds two.
template <Device D, class T, class X>
[[gnu::always_inline]] inline Words<D> units_across(const X* first, const X* second, auto count) {
  const auto word = [&](const X* from) {  // a bf16 stands in the upper half, a float fills the word
    return same_bits<Words<D>>(load<D>(from, count));
  };
  if constexpr (std::is_same_v<T, float>) return word(first);
  else if constexpr (std::is_same_v<X, bf16>) return second ? word(first) >> 16 | word(second) : word(first) >> 16;
  else {
    const auto half = [&](const X* from) {
      return __builtin_convertvector(rounded<D>(load<D>(from, count)), Words<D>);
    };
    return second ? half(first) | half(second) << 16 : half(first);
  }
}
template <Device D, class T, int W, class X>
void pack_along_lanes(Source<X> from, Index count, Index depth, Unit* to, Index to_stride) {
  constexpr Index L = lanes<D>, wanted = std::min<Index>(L, W);
  static_assert(W < L || W % L == 0);
  for (Index k = 0; k < depth; k += per_unit<T>, to += to_stride) {
    const X *first = from.data + k * from.depth_stride,
            *second = per_unit<T> == 2 && k + 1 < depth ? first + from.depth_stride : nullptr;
    for (Index lane = 0; lane < W; lane += L) {
      const Index there = std::clamp<Index>(count - lane, 0, wanted);
      const X* after = second ? second + lane : nullptr;
      const Words<D> v = there == wanted ? units_across<D, T>(first + lane, after, Count<wanted>{})
                                         : units_across<D, T>(first + lane, after, int(there));
      std::memcpy(to + lane, &v, wanted * sizeof(Unit));
    }
  }
}

// Packs `count` <= W lanes and `depth` elements along the contraction; lanes beyond count and the odd half of the last
// unit become zero. Consecutive units are to_stride apart (W in a panel that stands alone).
template <Device D, class T, int W, class X>
void pack(Source<X> from, Index count, Index depth, Unit* to, Index to_stride = W) {
  if (from.depth_stride == 1) pack_along_depth<D, T, W>(from, count, depth, to, to_stride);
  else pack_along_lanes<D, T, W>(from, count, depth, to, to_stride);
}

}  // namespace vlt::cpu
