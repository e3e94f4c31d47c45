#pragma once
#include <vlt/simt/vocabulary.hpp>

// Kernels that use one part of the vocabulary each.
namespace vlt::simt::test {

// numbers(t) of each block: who the thread is.
struct WhoAmI {
  static constexpr int threads = 96;
  unsigned* numbers;  // (2, 3, 2, threads, 7)
  Grid grid() const { return {2, 3, 2}; }
  VLT_SIMT void operator()() const {
    const unsigned block = (block_z() * 3 + block_y()) * 2 + block_x();
    unsigned* const mine = numbers + (block * threads + thread_index()) * 7;
    mine[0] = block_x(), mine[1] = block_y(), mine[2] = block_z(), mine[3] = grid_x();
    mine[4] = thread_index(), mine[5] = lane_index(), mine[6] = warp_index();
  }
};

// quote: kernel
// out(t) = in(threads - 1 - t), through shared memory.
struct ReverseBlock {
  static constexpr int threads = 256;
  const float* in;
  float* out;
  Grid grid() const { return {2}; }
  template <class Arena> VLT_SIMT float* carve(Arena& arena) const { return arena.template take<float>(threads); }
  VLT_SIMT void operator()() const {
    SharedArena arena;
    float* const shared = carve(arena);
    const unsigned first = block_x() * threads, t = thread_index();
    shared[t] = in[first + t];
    sync_block();
    out[first + t] = shared[threads - 1 - t];
  }
};
// end of quote

// out(t): the neighbour's number by shuffle_xor, the mirrored lane's by shuffle, and in the lower half of each warp,
// alone, the sum of that half; between warps nothing moves.
struct ShuffleLanes {
  static constexpr int threads = 64;
  const int* in;
  int* out;  // (3, threads)
  Grid grid() const { return {}; }
  VLT_SIMT void operator()() const {
    const unsigned t = thread_index();
    const int mine = in[t];
    out[t] = shuffle_xor(mine, 1);
    out[threads + t] = shuffle(mine, 31 - lane_index());
    int sum = 0;
    if (lane_index() < 16) {
      sum = mine;
      for (unsigned bits = 8; bits > 0; bits /= 2) sum += shuffle_xor(sum, bits, 0xffffu);
    }
    out[2 * threads + t] = sum;
  }
};

// The neighbour's number through shared memory, after sync_warp alone.
struct SwapInWarp {
  static constexpr int threads = 64;
  const float* in;
  float* out;
  Grid grid() const { return {}; }
  template <class Arena> VLT_SIMT float* carve(Arena& arena) const { return arena.template take<float>(threads); }
  VLT_SIMT void operator()() const {
    SharedArena arena;
    float* const shared = carve(arena);
    const unsigned t = thread_index();
    shared[t] = in[t];
    sync_warp();
    out[t] = shared[t ^ 1u];
  }
};

// sums(0) += all numbers, sums(1) += the largest of each block; every block adds atomically.
struct AddUp {
  static constexpr int threads = 128;
  const float* in;
  float* sums;
  int* count;
  Grid grid() const { return {3}; }
  template <class Arena> VLT_SIMT float* carve(Arena& arena) const { return arena.template take<float>(4); }
  VLT_SIMT void operator()() const {
    SharedArena arena;
    float* const partial = carve(arena);
    const float mine = in[block_x() * threads + thread_index()];
    const float sum = reduce_block<threads, Sum>(mine, partial);
    const float top = reduce_block<threads, Largest>(mine, partial);
    if (thread_index() == 0) atomic_add(sums, sum), atomic_add(sums + 1, top);
    atomic_add(count, 1);
  }
};

// by_rows = a b_rows^T, by_columns = a b_columns; all (16, 16), of whose rows only `rows` are there: what lies behind
// them counts as zeros. One warp; asynchronous copies, ldmatrix both ways, mma.
template <class T> struct TensorCoreProducts {
  static constexpr int threads = 32, size = 16, stride = size + 8;
  const T *a, *b_rows, *b_columns;
  float *by_rows, *by_columns;
  int rows;
  Grid grid() const { return {}; }
  struct Shared {
    T *a, *b_rows, *b_columns;
  };
  template <class Arena> VLT_SIMT Shared carve(Arena& arena) const {
    T* const first = arena.template take<T>(size * stride);
    T* const second = arena.template take<T>(size * stride);
    return {first, second, arena.template take<T>(size * stride)};
  }
  VLT_SIMT void operator()() const {
    SharedArena arena;
    const Shared shared = carve(arena);
    fetch(shared.a, a);
    fetch(shared.b_rows, b_rows);
    commit_copies();
    fetch(shared.b_columns, b_columns);
    commit_copies();
    wait_for_copies<1>();
    sync_warp();
    const int lane = int(lane_index());
    std::uint32_t left[4], right[4];
    ldmatrix_x4<false>(left, shared.a + lane % 16 * stride + lane / 16 * 8);
    ldmatrix_x4<false>(right, shared.b_rows + (lane % 8 + lane / 16 * 8) * stride + lane / 8 % 2 * 8);
    write_product(by_rows, left, right);
    wait_for_copies<0>();
    sync_warp();
    ldmatrix_x4<true>(right, shared.b_columns + lane % 16 * stride + lane / 16 * 8);
    write_product(by_columns, left, right);
  }

 private:
  VLT_SIMT void fetch(T* shared, const T* from) const {
    const int row = int(lane_index()) / 2, half = int(lane_index()) % 2 * 8;
    copy_async16(shared + row * stride + half, from + (row < rows ? row : 0) * size + half, row < rows);
  }
  VLT_SIMT void write_product(float* to, const std::uint32_t (&left)[4], const std::uint32_t (&right)[4]) const {
    const int g = int(lane_index()) / 4, t = int(lane_index()) % 4 * 2;
    VLT_UNROLL
    for (int half = 0; half < 2; ++half) {
      float d[4] = {};
      mma_m16n8k16<T>(d, left, right[2 * half], right[2 * half + 1]);
      VLT_UNROLL
      for (int i = 0; i < 4; ++i) to[(g + i / 2 * 8) * size + half * 8 + t + i % 2] = d[i];
    }
  }
};

}  // namespace vlt::simt::test
