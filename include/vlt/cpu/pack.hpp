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
  if constexpr (std::is_same_v<Factor<T>, float>) return same_bits<Unit>(float(first));
  else return Unit(T(first).bits) | Unit(T(second).bits) << 16;
}

// Shuffles of two registers a and b, seen as quads of four units. At(i, n) is the lane that lane i of n takes, b's
// lanes counted from n.
template <class At, std::size_t... I>
[[gnu::always_inline]] inline auto shuffled(auto a, auto b, std::index_sequence<I...>) {
  return __builtin_shufflevector(a, b, At::at(int(I), int(sizeof...(I)))...);
}
template <class At, class V> [[gnu::always_inline]] inline V shuffled(V a, V b) {
  return shuffled<At>(a, b, std::make_index_sequence<sizeof(V) / sizeof(a[0])>{});
}
template <int From> struct InterleaveUnits {  // a0 b0 a1 b1 of each quad, from its first or third unit
  static constexpr int at(int i, int n) { return i / 4 * 4 + i % 4 / 2 + From + (i % 2 ? n : 0); }
};
template <int From> struct InterleavePairs {  // a0 a1 b0 b1 of each quad, in pairs
  static constexpr int at(int i, int n) { return i / 2 * 2 + From + (i % 2 ? n : 0); }
};
template <int Odd> struct EveryOtherQuad {  // quads 0 2 .. of a, then of b; or quads 1 3 ..
  static constexpr int at(int i, int n) { return (i / 4 * 8 + Odd * 4) % n + i % 4 + (i >= n / 2 ? n : 0); }
};

// Four rows, quad by quad: row j of the result has column j of each quad.
template <class V> [[gnu::always_inline]] inline void transpose_quads(V* row) {
  using Pairs = typename vector_of<std::uint64_t, sizeof(V) / 8>::type;
  const auto pairs = [](V low, V high, auto at) {
    return same_bits<V>(shuffled<decltype(at)>(same_bits<Pairs>(low), same_bits<Pairs>(high)));
  };
  const V a = shuffled<InterleaveUnits<0>>(row[0], row[1]), b = shuffled<InterleaveUnits<2>>(row[0], row[1]),
          c = shuffled<InterleaveUnits<0>>(row[2], row[3]), d = shuffled<InterleaveUnits<2>>(row[2], row[3]);
  row[0] = pairs(a, c, InterleavePairs<0>{}), row[1] = pairs(a, c, InterleavePairs<1>{});
  row[2] = pairs(b, d, InterleavePairs<0>{}), row[3] = pairs(b, d, InterleavePairs<1>{});
}
// A square of units. After its quads have been transposed, quad q of row 4 g + j is part g of row 4 q + j
// of the result.
template <Device D> [[gnu::always_inline]] inline void transpose(Words<D> (&row)[lanes<D>]) {
  using V = Words<D>;
#pragma GCC unroll 4
  for (int g = 0; g < lanes<D>; g += 4) transpose_quads(row + g);
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    if constexpr (lanes<D> == 8) {
      const V a = row[j], b = row[4 + j];
      row[j] = shuffled<EveryOtherQuad<0>>(a, b), row[4 + j] = shuffled<EveryOtherQuad<1>>(a, b);
    } else if constexpr (lanes<D> == 16) {
      const V a = shuffled<EveryOtherQuad<0>>(row[j], row[4 + j]), b = shuffled<EveryOtherQuad<1>>(row[j], row[4 + j]),
              c = shuffled<EveryOtherQuad<0>>(row[8 + j], row[12 + j]),
              d = shuffled<EveryOtherQuad<1>>(row[8 + j], row[12 + j]);
      row[j] = shuffled<EveryOtherQuad<0>>(a, c), row[8 + j] = shuffled<EveryOtherQuad<1>>(a, c);
      row[4 + j] = shuffled<EveryOtherQuad<0>>(b, d), row[12 + j] = shuffled<EveryOtherQuad<1>>(b, d);
    }
  }
}

// A register of consecutive units that starts at `from`.
template <Device D, class T, class X> [[gnu::always_inline]] inline Words<D> units_along(const X* from) {
  if constexpr (sizeof(X) * per_unit<T> == sizeof(Unit)) {
    Words<D> v;
    std::memcpy(&v, from, sizeof v);
    return v;
  } else if constexpr (std::is_same_v<T, float>) {
    return same_bits<Words<D>>(load<D>(from));
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

template <Device D> [[gnu::always_inline]] inline Words<D> interleaved(Halves<D> low, Halves<D> high) {
  const auto all = [&]<std::size_t... I>(std::index_sequence<I...>) {
    return __builtin_shufflevector(low, high, int(I % 2 ? lanes<D> + I / 2 : I / 2)...);
  }
  (std::make_index_sequence<2 * lanes<D>>{});
  return same_bits<Words<D>>(all);
}

// The lanes are contiguous: rows k and k + 1 are interleaved where a unit holds two.
template <Device D, class T, class X>
[[gnu::always_inline]] inline Words<D> units_across(const X* first, const X* second, auto count) {
  const auto word = [&](const X* from) {  // a bf16 stands in the upper half, a float (or what becomes one) fills it
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
// The lanes may be those of several panels, panel_stride apart.
template <Device D, class T, int W, class X>
void pack_along_lanes(Source<X> from, Index count, Index depth, Unit* to, Index to_stride, Index panel_stride,
                      auto panels) {
  constexpr Index step = std::min<Index>(lanes<D>, W), all = decltype(panels)::value * W;
  static_assert(W % step == 0);
  for (Index k = 0; k < depth; k += per_unit<T>, to += to_stride) {
    const X *first = from.data + k * from.depth_stride,
            *second = per_unit<T> == 2 && k + 1 < depth ? first + from.depth_stride : nullptr;
#pragma GCC unroll 4
    for (Index lane = 0; lane < all; lane += step) {
      const Index there = std::clamp<Index>(count - lane, 0, step);
      const X* after = second ? second + lane : nullptr;
      const Words<D> v = there == step ? units_across<D, T>(first + lane, after, Count<int(step)>{})
                                       : units_across<D, T>(first + lane, after, int(there));
      std::memcpy(to + lane / W * panel_stride + lane % W, &v, step * sizeof(Unit));
    }
  }
}

// Packs `count` <= W lanes and `depth` elements along the contraction; lanes beyond count and the odd half of the last
// unit become zero. Consecutive units are to_stride apart (W in a panel that stands alone).
template <Device D, class T, int W, class X>
void pack(Source<X> from, Index count, Index depth, Unit* to, Index to_stride = W) {
  if (from.depth_stride == 1) pack_along_depth<D, Factor<T>, W>(from, count, depth, to, to_stride);
  else pack_along_lanes<D, Factor<T>, W>(from, count, depth, to, to_stride, 0, Count<1>{});
}
// Any number of lanes, as panels one after the other. Lanes that share a cache line are read together.
template <Device D, class T, int W, class X> void pack_panels(Source<X> from, Index count, Index depth, Unit* to) {
  constexpr int together = 4;
  const Index panel = units_of<T>(depth) * W;
  Index lane = 0;
  if (from.depth_stride != 1)
    for (; lane + together * W <= count; lane += together * W, to += together * panel)
      pack_along_lanes<D, Factor<T>, W>(from.at(lane, 0), together * W, depth, to, W, panel, Count<together>{});
  for (; lane < count; lane += W, to += panel)
    pack<D, T, W>(from.at(lane, 0), std::min<Index>(W, count - lane), depth, to);
}

}  // namespace vlt::cpu
