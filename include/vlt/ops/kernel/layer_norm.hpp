#pragma once
#include <vlt/simt/strided.hpp>
#include <vlt/simt/vocabulary.hpp>

// One block a row, which it reads three times: from the second time on out of the cache.
namespace vlt::ops::kernel {

// y = (x - mean) rstd w + b,  rstd = 1 / sqrt(var(x) + eps)              (Ba, Kiros, Hinton 2016)
// The variance in a pass of its own, as sums of squares would cancel.
template <class X, class W, class Y> struct LayerNorm {
  static constexpr int threads = 128, width = simt::vector_length<X, W, Y>;
  using Walk = simt::RowWalk<threads, width>;

  simt::Strided<const X> x;  // (rows, cols)
  const W *w, *b;            // (cols)
  simt::Strided<Y> y;        // (rows, cols)
  float *mean, *rstd;        // (rows)
  Index rows;
  int cols;
  float epsilon;

  simt::Grid grid() const { return {simt::blocks_for(rows, 1)}; }
  struct Shared {
    float* partial;
  };
  template <class Arena> VLT_SIMT Shared carve(Arena& arena) const {
    return {arena.template take<float>(threads / simt::warp_size)};
  }

  VLT_SIMT void operator()() const {
    simt::SharedArena arena;
    const Shared shared = carve(arena);
    const Index row = simt::block_x();
    if (row >= rows) return;
    const X* const in = x.row(row);
    float sum = 0, squares = 0;
    for (int c = Walk::first(simt::thread_index()); c < cols; c += Walk::step) {
      const auto v = simt::load_row<width>(in + c, cols - c);
      VLT_UNROLL
      for (int i = 0; i < width; ++i) sum += v[i];
    }
    const float middle = simt::reduce_block<threads, simt::Sum>(sum, shared.partial) / float(cols);
    for (int c = Walk::first(simt::thread_index()); c < cols; c += Walk::step) {
      const auto v = simt::load_row<width>(in + c, cols - c, middle);
      VLT_UNROLL
      for (int i = 0; i < width; ++i) squares += (v[i] - middle) * (v[i] - middle);
    }
    squares = simt::reduce_block<threads, simt::Sum>(squares, shared.partial);
    const float scale = 1 / simt::square_root(squares / float(cols) + epsilon);
    if (simt::thread_index() == 0) mean[row] = middle, rstd[row] = scale;
    for (int c = Walk::first(simt::thread_index()); c < cols; c += Walk::step) {
      auto v = simt::load_row<width>(in + c, cols - c);
      const auto weight = simt::load_row<width>(w + c, cols - c), bias = simt::load_row<width>(b + c, cols - c);
      VLT_UNROLL
      for (int i = 0; i < width; ++i) v[i] = (v[i] - middle) * scale * weight[i] + bias[i];
      simt::store_row(y.row(row) + c, v, cols - c);
    }
  }
};

// dx = beta dx + rstd (g - mean(g) - xhat mean(g xhat)),  g = dy w,  xhat = (x - mean) rstd
template <class G, class X, class W> struct LayerNormDx {
  static constexpr int threads = 128, width = simt::vector_length<G, X, W>;
  using Walk = simt::RowWalk<threads, width>;

  simt::Strided<const G> dy;  // (rows, cols)
  simt::Strided<const X> x;   // (rows, cols)
  const W* w;                 // (cols)
  const float *mean, *rstd;   // (rows)
  simt::Strided<X> dx;        // (rows, cols)
  Index rows;
  int cols;
  float beta;

  simt::Grid grid() const { return {simt::blocks_for(rows, 1)}; }
  struct Shared {
    float* partial;
  };
  template <class Arena> VLT_SIMT Shared carve(Arena& arena) const {
    return {arena.template take<float>(threads / simt::warp_size)};
  }

  VLT_SIMT void operator()() const {
    simt::SharedArena arena;
    const Shared shared = carve(arena);
    const Index row = simt::block_x();
    if (row >= rows) return;
    const float middle = mean[row], scale = rstd[row];
    float sum = 0, dot = 0;
    for (int c = Walk::first(simt::thread_index()); c < cols; c += Walk::step) {
      const auto g = simt::load_weighted_row<width>(dy.row(row) + c, w + c, cols - c),
                 v = simt::load_row<width>(x.row(row) + c, cols - c);
      VLT_UNROLL
      for (int i = 0; i < width; ++i) sum += g[i], dot += g[i] * (v[i] - middle);
    }
    sum = simt::reduce_block<threads, simt::Sum>(sum, shared.partial) / float(cols);
    dot = simt::reduce_block<threads, simt::Sum>(dot, shared.partial);
    const float along = scale * scale * dot / float(cols);
    for (int c = Walk::first(simt::thread_index()); c < cols; c += Walk::step) {
      auto g = simt::load_weighted_row<width>(dy.row(row) + c, w + c, cols - c);
      const auto v = simt::load_row<width>(x.row(row) + c, cols - c);
      VLT_UNROLL
      for (int i = 0; i < width; ++i) g[i] = (g[i] - sum - (v[i] - middle) * along) * scale;
      if (beta != 0) {
        const auto old = simt::load_row<width>(dx.row(row) + c, cols - c);
        VLT_UNROLL
        for (int i = 0; i < width; ++i) g[i] += beta * old[i];
      }
      simt::store_row(dx.row(row) + c, g, cols - c);
    }
  }
};

}  // namespace vlt::ops::kernel
