#pragma once
#include <vlt/ops/kernel/elementwise.hpp>

namespace vlt::ops::kernel {

// y = silu(gate) up, silu(z) = z sigmoid(z)                              (Shazeer 2020)
template <class T> struct Swiglu {
  static constexpr int threads = 128, width = simt::vector_length<T>;
  using Tile = ElementTile<threads, width>;

  simt::Strided<const T> gate, up;  // (rows, cols)
  simt::Strided<T> y;               // (rows, cols)
  Index rows;
  int cols;

  simt::Grid grid() const { return Tile::grid(rows, cols); }
  VLT_SIMT void operator()() const {
    const Index row = simt::block_x();
    const int c = Tile::column();
    if (row >= rows || c >= cols) return;
    auto z = simt::load_row<width>(gate.row(row) + c, cols - c);
    const auto u = simt::load_row<width>(up.row(row) + c, cols - c);
    VLT_UNROLL
    for (int i = 0; i < width; ++i) z[i] = z[i] * simt::sigmoid(z[i]) * u[i];
    simt::store_row(y.row(row) + c, z, cols - c);
  }
};

// dgate = dy up silu'(gate),  dup = dy silu(gate),  silu'(z) = s (1 + z (1 - s)), s = sigmoid(z)
template <class T> struct SwigluBackward {
  static constexpr int threads = 128, width = simt::vector_length<T>;
  using Tile = ElementTile<threads, width>;

  simt::Strided<const T> dy, gate, up;  // (rows, cols)
  simt::Strided<T> dgate, dup;          // (rows, cols)
  Index rows;
  int cols;

  simt::Grid grid() const { return Tile::grid(rows, cols); }
  VLT_SIMT void operator()() const {
    const Index row = simt::block_x();
    const int c = Tile::column();
    if (row >= rows || c >= cols) return;
    auto g = simt::load_row<width>(dy.row(row) + c, cols - c), u = simt::load_row<width>(up.row(row) + c, cols - c);
    const auto z = simt::load_row<width>(gate.row(row) + c, cols - c);
    VLT_UNROLL
    for (int i = 0; i < width; ++i) {
      const float s = simt::sigmoid(z[i]);
      u[i] = g[i] * u[i] * s * (1 + z[i] * (1 - s));
      g[i] = g[i] * z[i] * s;
    }
    simt::store_row(dgate.row(row) + c, u, cols - c);
    simt::store_row(dup.row(row) + c, g, cols - c);
  }
};

// y = f(x)
template <class T> struct Activate {
  static constexpr int threads = 128, width = simt::vector_length<T>;
  using Tile = ElementTile<threads, width>;

  simt::Strided<const T> x;  // (rows, cols)
  simt::Strided<T> y;        // (rows, cols)
  Index rows;
  int cols;
  Activation function;

  simt::Grid grid() const { return Tile::grid(rows, cols); }
  VLT_SIMT void operator()() const {
    const Index row = simt::block_x();
    const int c = Tile::column();
    if (row >= rows || c >= cols) return;
    auto v = simt::load_row<width>(x.row(row) + c, cols - c);
    VLT_UNROLL
    for (int i = 0; i < width; ++i) v[i] = simt::activate(function, v[i]);
    simt::store_row(y.row(row) + c, v, cols - c);
  }
};

// dx = beta dx + dy f'(x); dx may be dy
template <class T> struct ActivateBackward {
  static constexpr int threads = 128, width = simt::vector_length<T>;
  using Tile = ElementTile<threads, width>;

  simt::Strided<const T> dy, x;  // (rows, cols)
  simt::Strided<T> dx;           // (rows, cols)
  Index rows;
  int cols;
  Activation function;
  float beta;

  simt::Grid grid() const { return Tile::grid(rows, cols); }
  VLT_SIMT void operator()() const {
    const Index row = simt::block_x();
    const int c = Tile::column();
    if (row >= rows || c >= cols) return;
    auto g = simt::load_row<width>(dy.row(row) + c, cols - c);
    const auto v = simt::load_row<width>(x.row(row) + c, cols - c);
    VLT_UNROLL
    for (int i = 0; i < width; ++i) g[i] *= simt::activate_derivative(function, v[i]);
    if (beta != 0) {
      const auto old = simt::load_row<width>(dx.row(row) + c, cols - c);
      VLT_UNROLL
      for (int i = 0; i < width; ++i) g[i] += beta * old[i];
    }
    simt::store_row(dx.row(row) + c, g, cols - c);
  }
};

}  // namespace vlt::ops::kernel
