#pragma once
#include <vlt/simt/strided.hpp>
#include <vlt/simt/vocabulary.hpp>

// Element by element: one vector a thread, a row's tile a block.
namespace vlt::ops::kernel {

// Which elements a block of `Threads` has: rows are blocks in x, tiles of a row in y.
template <int Threads, int Width> struct ElementTile {
  static simt::Grid grid(Index rows, int cols) {
    return {simt::blocks_for(rows, 1), simt::blocks_for(cols, Threads * Width)};
  }
  VLT_SIMT static int column() { return (int(simt::block_y()) * Threads + int(simt::thread_index())) * Width; }
};

// y = scale x, rounded to Y
template <class X, class Y> struct Convert {
  static constexpr int threads = 128, width = simt::vector_length<X, Y>;
  using Tile = ElementTile<threads, width>;

  simt::Strided<const X> x;  // (rows, cols)
  simt::Strided<Y> y;        // (rows, cols)
  Index rows;
  int cols;
  float scale = 1;

  simt::Grid grid() const { return Tile::grid(rows, cols); }
  VLT_SIMT void operator()() const {
    const Index row = simt::block_x();
    const int c = Tile::column();
    if (row >= rows || c >= cols) return;
    auto v = simt::load_row<width>(x.row(row) + c, cols - c);
    VLT_UNROLL
    for (int i = 0; i < width; ++i) v[i] *= scale;
    simt::store_row(y.row(row) + c, v, cols - c);
  }
};

// y += x
template <class T> struct Add {
  static constexpr int threads = 128, width = simt::vector_length<T>;
  using Tile = ElementTile<threads, width>;

  simt::Strided<const T> x;  // (rows, cols)
  simt::Strided<T> y;        // (rows, cols)
  Index rows;
  int cols;

  simt::Grid grid() const { return Tile::grid(rows, cols); }
  VLT_SIMT void operator()() const {
    const Index row = simt::block_x();
    const int c = Tile::column();
    if (row >= rows || c >= cols) return;
    auto v = simt::load_row<width>(y.row(row) + c, cols - c);
    const auto more = simt::load_row<width>(x.row(row) + c, cols - c);
    VLT_UNROLL
    for (int i = 0; i < width; ++i) v[i] += more[i];
    simt::store_row(y.row(row) + c, v, cols - c);
  }
};

}  // namespace vlt::ops::kernel
