#pragma once
#include <vlt/cpu/gemm.hpp>

// A weight W (out, in) packed once for many products: forward panels serve x W^T, backward panels dy W. A panel is the
// columns of one tile by the whole contraction, in units (cpu/tile.hpp): float, or pairs of bf16; halves stay halves.
// Everything here takes any row-major matrix (members data, rows, cols, stride) and works on rows [first, first + rows)
// of W, so that an optimiser can pack what it has just updated. Panels must begin as zeros, or be packed whole.
namespace vlt::cpu {

// Bytes of panels whose product has n columns and a contraction of length k: panel_bytes<T, D>(out, in) for forward,
// panel_bytes<T, D>(in, out) for backward. Align panels to 64 bytes.
template <class T, Device D> constexpr Index panel_bytes(Index n, Index k) {
  return rounded_up(n, Tile<D>::cols) * units_of<T>(k) * Index(sizeof(Packed<T>));
}

// Where element (lane, k) of a product's right-hand side lies among the elements of its panels.
template <class T, Device D> constexpr Index place_in_panels(Index lane, Index k, Index depth) {
  constexpr Index N = Tile<D>::cols;
  const Index unit = (lane / N * units_of<T>(depth) + k / per_unit<T>)*N + lane % N;
  return unit * per_unit<T> + k % per_unit<T>;
}

// Packs lanes of one panel. Halves are packed as floats, a piece at a time, and rounded.
template <class T, Device D, class X> void pack_panel(Source<X> from, Index count, Index depth, Packed<T>* to) {
  constexpr Index N = Tile<D>::cols;
  if constexpr (std::is_same_v<Packed<T>, Unit>) {
    pack<D, T, N>(from, count, depth, to);
  } else {
    constexpr Index piece = 64;
    alignas(64) Unit units[piece * N];
    for (Index k = 0; k < depth; k += piece, to += piece * N) {
      const Index length = std::min(piece, depth - k);
      pack<D, float, N>(from.at(0, k), count, length, units);
      for (Index i = 0; i < length * N; i += lanes<D>) store<D>(to + i, same_bits<Floats<D>>(load_units<D>(units + i)));
    }
  }
}

// Forward panels: rows of W are lanes.
template <class T, Device D, class M> void pack_forward(const M& w, T* to, Index first, Index rows) {
  constexpr Index N = Tile<D>::cols;
  for (Index row = first; row < first + rows;) {
    const Index begin = row / N * N, count = std::min(first + rows, begin + N) - row;
    if (row == begin && (count == N || row + count == w.rows)) {
      const Source<typename M::value_type> all{w.data, w.stride, 1};
      pack_panel<T, D>(all.at(row, 0), count, w.cols, reinterpret_cast<Packed<T>*>(to) + begin * units_of<T>(w.cols));
    } else {
      for (Index r = row; r < row + count; ++r)
        for (Index c = 0; c < w.cols; ++c) to[place_in_panels<T, D>(r, c, w.cols)] = T(float(w.data[r * w.stride + c]));
    }
    row += count;
  }
}

// Backward panels: rows of W are the contraction, its columns lanes.
template <class T, Device D, class M> void pack_backward(const M& w, T* to, Index first, Index rows) {
  constexpr Index N = Tile<D>::cols, step = per_unit<T>;
  const Source<typename M::value_type> all{w.data, 1, w.stride};
  const auto one_row = [&](Index r) {
    for (Index c = 0; c < w.cols; ++c) to[place_in_panels<T, D>(c, r, w.rows)] = T(float(w.data[r * w.stride + c]));
  };
  Index begin = first, end = first + rows;
  if (begin % step && begin < end) one_row(begin++);
  if (end % step && end < w.rows && begin < end) one_row(--end);
  for (Index lane = 0; lane < w.cols && begin < end; lane += N)
    pack_panel<T, D>(all.at(lane, begin), std::min(N, w.cols - lane), end - begin,
                     reinterpret_cast<Packed<T>*>(to) + (lane / N * units_of<T>(w.rows) + begin / step) * N);
}

// Row-major again, from forward panels: W (out, in) has `cols` columns; rows [first, first + rows) go to `to`.
template <class T, Device D, class X> void unpack_forward(const T* panels, Index cols, X* to, Index first, Index rows) {
  for (Index r = 0; r < rows; ++r)
    for (Index c = 0; c < cols; ++c) to[r * cols + c] = X(float(panels[place_in_panels<T, D>(first + r, c, cols)]));
}
// The same from backward panels of a W with `out` rows.
template <class T, Device D, class X>
void unpack_backward(const T* panels, Index out, Index cols, X* to, Index first, Index rows) {
  for (Index r = 0; r < rows; ++r)
    for (Index c = 0; c < cols; ++c) to[r * cols + c] = X(float(panels[place_in_panels<T, D>(c, first + r, out)]));
}

}  // namespace vlt::cpu
