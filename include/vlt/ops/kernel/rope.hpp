#pragma once
#include <vlt/simt/strided.hpp>
#include <vlt/simt/vocabulary.hpp>

namespace vlt::ops::kernel {

// Rotates the rows [first, first + rows) of x in place by their positions; halves of a head are paired (HF's
// rotate_half). One block a row: its angles, which all heads share, are reduced in double, as positions times
// frequencies are large. Place: has a `position`.
template <class T, class Place> struct RotateRows {
  static constexpr int threads = 128, width = simt::vector_length<T>;

  simt::Strided<T> x;       // (., heads * 2 half)
  const Place* place;       // of each row of x
  const double* frequency;  // (half), in turns a position
  Index first, rows;
  int heads, half;
  float turn;  // 1, or -1 for the gradient: the rotation the other way

  simt::Grid grid() const { return {simt::blocks_for(rows, 1)}; }
  struct Shared {
    float *cosine, *sine;  // (half)
  };
  template <class Arena> VLT_SIMT Shared carve(Arena& arena) const {
    float* const cosine = arena.template take<float>(std::size_t(half));
    return {cosine, arena.template take<float>(std::size_t(half))};
  }

  VLT_SIMT void operator()() const {
    simt::SharedArena arena;
    const Shared shared = carve(arena);
    if (simt::block_x() >= rows) return;
    const Index row = first + simt::block_x();
    const double position = double(place[row].position);
    for (int i = int(simt::thread_index()); i < half; i += threads) {
      const double all = position * frequency[i];
      const float turns = float(all - simt::nearest(all)), size = turns < 0 ? -turns : turns;
      const float folded = size > 0.25f ? 0.5f - size : size;
      shared.cosine[i] = sine_of_quarter(0.25f - size);
      shared.sine[i] = sine_of_quarter(turns < 0 ? -folded : folded) * turn;
    }
    simt::sync_block();
    const int vectors = (half + width - 1) / width;  // of half a head
    for (int v = int(simt::thread_index()); v < heads * vectors; v += threads) {
      const int i = v % vectors * width, count = half - i;
      T* const low = x.row(row) + v / vectors * 2 * half + i;
      auto a = simt::load_row<width>(low, count), b = simt::load_row<width>(low + half, count);
      VLT_UNROLL
      for (int j = 0; j < width; ++j) {
        if (j >= count) break;
        const float c = shared.cosine[i + j], s = shared.sine[i + j], before = a[j];
        a[j] = before * c - b[j] * s;
        b[j] = b[j] * c + before * s;
      }
      simt::store_row(low, a, count);
      simt::store_row(low + half, b, count);
    }
  }

 private:
  // sin(2 pi turns), |turns| <= 1/4, by its Taylor series: the error is below 6e-8.
  VLT_SIMT static float sine_of_quarter(float turns) {
    const float x = turns * 6.2831853f, s = x * x;
    return x * (1 + s * (-1.66666667e-1f +
                         s * (8.33333333e-3f + s * (-1.98412698e-4f + s * (2.75573192e-6f + s * -2.50521084e-8f)))));
  }
};

}  // namespace vlt::ops::kernel
