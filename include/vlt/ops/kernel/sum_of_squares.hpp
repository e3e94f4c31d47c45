#pragma once
#include <vlt/simt/vocabulary.hpp>

// The norm of a flat buffer and whether it is finite, without a word from the host: the same bits every time.
namespace vlt::ops::kernel {

// sums(b) = the squares of chunk b of x (n), in double.
template <class T> struct SumOfSquares {
  static constexpr int threads = 256, width = simt::vector_length<T>, chunk = 1 << 14;

  const T* x;    // (n)
  double* sums;  // (chunks)
  std::int64_t n;

  static constexpr std::int64_t chunks(std::int64_t n) { return n <= chunk ? 1 : (n + chunk - 1) / chunk; }
  simt::Grid grid() const { return {unsigned(chunks(n))}; }
  struct Shared {
    double* partial;
  };
  template <class Arena> VLT_SIMT Shared carve(Arena& arena) const {
    return {arena.template take<double>(threads / simt::warp_size)};
  }

  VLT_SIMT void operator()() const {
    simt::SharedArena arena;
    const Shared shared = carve(arena);
    const std::int64_t begin = std::int64_t(simt::block_x()) * chunk;
    const int count = n - begin < chunk ? int(n - begin) : chunk;
    double sum = 0;
    for (int i = int(simt::thread_index()) * width; i < count; i += threads * width) {
      const auto v = simt::load_row<width>(x + begin + i, count - i);
      VLT_UNROLL
      for (int j = 0; j < width; ++j) sum += double(v[j]) * double(v[j]);
    }
    sum = simt::reduce_block<threads, simt::Sum>(sum, shared.partial);
    if (simt::thread_index() == 0) sums[simt::block_x()] = sum;
  }
};

// total += the sums (count). One block.
struct AddSums {
  static constexpr int threads = 256;

  const double* sums;  // (count)
  double* total;
  std::int64_t count;

  simt::Grid grid() const { return {}; }
  struct Shared {
    double* partial;
  };
  template <class Arena> VLT_SIMT Shared carve(Arena& arena) const {
    return {arena.template take<double>(threads / simt::warp_size)};
  }

  VLT_SIMT void operator()() const {
    simt::SharedArena arena;
    const Shared shared = carve(arena);
    double sum = 0;
    for (std::int64_t i = simt::thread_index(); i < count; i += threads) sum += sums[i];
    sum = simt::reduce_block<threads, simt::Sum>(sum, shared.partial);
    if (simt::thread_index() == 0) *total += sum;
  }
};

// *found += how many of x (n) are infinite or no numbers: a count, so the order of the blocks does not matter.
template <class T> struct CountNonFinite {
  static constexpr int threads = 256, width = simt::vector_length<T>;

  const T* x;  // (n)
  int* found;
  std::int64_t n;

  simt::Grid grid() const {
    const unsigned blocks = simt::blocks_for(n, threads * width);
    return {blocks < 4096 ? blocks : 4096u};
  }
  struct Shared {
    int* partial;
  };
  template <class Arena> VLT_SIMT Shared carve(Arena& arena) const {
    return {arena.template take<int>(threads / simt::warp_size)};
  }

  VLT_SIMT void operator()() const {
    simt::SharedArena arena;
    const Shared shared = carve(arena);
    const std::int64_t step = std::int64_t(simt::grid_x()) * threads * width;
    int bad = 0;
    for (std::int64_t i = (std::int64_t(simt::block_x()) * threads + simt::thread_index()) * width; i < n; i += step) {
      const auto v = simt::load_row<width>(x + i, n - i < width ? int(n - i) : width);
      VLT_UNROLL
      for (int j = 0; j < width; ++j) bad += simt::is_finite(v[j]) ? 0 : 1;
    }
    bad = simt::reduce_block<threads, simt::Sum>(bad, shared.partial);
    if (simt::thread_index() == 0 && bad > 0) simt::atomic_add(found, bad);
  }
};

}  // namespace vlt::ops::kernel
