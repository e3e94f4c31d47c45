#pragma once
#include <vlt/simt/vocabulary.hpp>

namespace vlt::ops::kernel {

// torch.optim.AdamW (Loshchilov, Hutter 2019) over one flat buffer whose elements share a learning rate; epsilon is
// added after bias correction. Masters and moments are floats, the compute copy is rounded from the master.
template <class T> struct AdamW {
  static constexpr int threads = 256, width = 4;

  const float* g;     // (n)
  float *w, *m, *v;   // (n)
  T* compute;         // (n), or null
  const float* clip;  // one number on the device, which gradients are multiplied by first; null: 1
  std::int64_t n;
  float beta1, beta2, rest1, rest2;  // rest = 1 - beta, formed in double
  float unbias_m, unbias_v;          // 1 / (1 - beta^number)
  float epsilon, rate, shrink;       // shrink = rate * decay

  simt::Grid grid() const {
    const unsigned blocks = simt::blocks_for(n, threads * width);
    return {blocks < 4096 ? blocks : 4096u};  // further elements belong to the same threads
  }

  VLT_SIMT void operator()() const {
    const float factor = clip ? *clip : 1.0f;
    const std::int64_t step = std::int64_t(simt::grid_x()) * threads * width;
    for (std::int64_t i = (std::int64_t(simt::block_x()) * threads + simt::thread_index()) * width; i < n; i += step) {
      const int count = n - i < width ? int(n - i) : width;
      auto moment = simt::load_row<width>(m + i, count), square = simt::load_row<width>(v + i, count),
           weight = simt::load_row<width>(w + i, count);
      const auto gradient = simt::load_row<width>(g + i, count);
      VLT_UNROLL
      for (int j = 0; j < width; ++j) {
        const float x = gradient[j] * factor;
        moment[j] = moment[j] * beta1 + x * rest1;
        square[j] = square[j] * beta2 + x * x * rest2;
        weight[j] -=
            shrink * weight[j] + rate * (moment[j] * unbias_m / (simt::square_root(square[j] * unbias_v) + epsilon));
      }
      simt::store_row(m + i, moment, count);
      simt::store_row(v + i, square, count);
      simt::store_row(w + i, weight, count);
      if (compute) simt::store_row(compute + i, weight, count);
    }
  }
};

}  // namespace vlt::ops::kernel
