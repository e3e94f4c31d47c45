#pragma once
#include <cstddef>
#include <vlt/base/parallel.hpp>
#include <vlt/cpu/epilogue.hpp>
#include <vlt/cpu/pack.hpp>

namespace vlt::cpu {

// C (m, n) = A (m, k) B (k, n). B is read through `b`, or from panels that hold all of it (cpu/panels.hpp).
template <class T, class C> struct Product {
  Index m = 0, n = 0, k = 0;
  Source<T> a = {}, b = {};  // lanes of A are rows of C, lanes of B its columns
  const Unit* panels = nullptr;
  Store<T, C> store = {};
};

// How one product is cut: every thread owns a rectangle of C and walks it in chunks of rows; for each chunk and block
// of the contraction, A is packed once and B one panel at a time, so that both stay in cache. How often a sum is
// interrupted depends on k alone: neither m nor the number of threads changes a bit of C.
template <Device D, class T, class C> class Blocking {
 public:
  Blocking(Index m, Index n, Index k, int threads)
      : row_panels_((m + Tile<D>::rows - 1) / Tile<D>::rows), col_panels_((n + Tile<D>::cols - 1) / Tile<D>::cols) {
    depth = balanced(std::max<Index>(k, 1), longest, 2 * lanes<D>);
    split(double(m) * double(n) * double(k) < small ? 1 : threads);
    const Index rows_each = (row_panels_ + across_rows_ - 1) / across_rows_ * Tile<D>::rows,
                cols_each = (col_panels_ + across_cols_ - 1) / across_cols_ * Tile<D>::cols;
    rows = balanced(rows_each, cache / (units_of<T>(depth) * Index(sizeof(Unit))), Tile<D>::rows);
    cols = partials(k) ? std::min(cols_each, 32 * Index(Tile<D>::cols)) : cols_each;
    bytes_a_ = rounded_up(rows * units_of<T>(depth) * Index(sizeof(Unit)), 64);
    bytes_b_ = Tile<D>::cols * units_of<T>(depth) * Index(sizeof(Unit));
    bytes_partial_ = partials(k) ? rows * cols * Index(sizeof(float)) : 0;
  }

  Index rows, cols, depth;  // of C and of the contraction, worked on together
  int threads() const { return across_rows_ * across_cols_; }
  Index bytes_per_thread() const { return bytes_a_ + bytes_b_ + bytes_partial_; }
  Index bytes() const { return threads() * bytes_per_thread(); }

  struct Area {
    Index row, row_end, panel, panel_end;
  };
  Area area(int thread, Index m) const {
    const int i = thread / across_cols_, j = thread % across_cols_;
    return {row_panels_ * i / across_rows_ * Tile<D>::rows,
            std::min(m, row_panels_ * (i + 1) / across_rows_ * Tile<D>::rows), col_panels_ * j / across_cols_,
            col_panels_ * (j + 1) / across_cols_};
  }
  struct Memory {
    Unit *a, *b;
    float* partial;
  };
  Memory memory(int thread, std::byte* work) const {
    work += thread * bytes_per_thread();
    return {reinterpret_cast<Unit*>(work), reinterpret_cast<Unit*>(work + bytes_a_),
            bytes_partial_ ? reinterpret_cast<float*>(work + bytes_a_ + bytes_b_) : nullptr};
  }

 private:
  static constexpr Index longest = 768;          // elements of a contraction block
  static constexpr Index cache = 448 << 10;      // bytes of packed A
  static constexpr double small = 64 * 64 * 64;  // a product that is not worth waking a thread
  bool partials(Index k) const { return !std::is_same_v<C, float> && k > depth; }

  // n in equal parts of at most `most`, each a multiple of `step`.
  static Index balanced(Index n, Index most, Index step) {
    const Index parts = (n + most - 1) / most;
    return rounded_up((n + parts - 1) / parts, step);
  }
  // The division of C among threads that leaves the slowest one least to do, packing included.
  void split(int threads) {
    double best = 0;
    for (int i = 1; i <= threads; ++i) {
      if (threads % i) continue;
      const double r = double((row_panels_ + i - 1) / i * Tile<D>::rows),
                   c = double((col_panels_ + threads / i - 1) / (threads / i) * Tile<D>::cols);
      const double work = r * c + 6 * r + 12 * c;
      if (i == 1 || work < best) best = work, across_rows_ = i, across_cols_ = threads / i;
    }
  }

  Index row_panels_, col_panels_, bytes_a_, bytes_b_, bytes_partial_;
  int across_rows_ = 1, across_cols_ = 1;
};

// Asks for part `part` of `parts` of what the next panel of B will read.
template <class T> void prefetch(Source<T> from, Index lanes, Index depth, Index part, Index parts) {
  const bool along_depth = from.depth_stride == 1;
  const Index runs = along_depth ? lanes : depth, stride = along_depth ? from.lane_stride : from.depth_stride,
              bytes = (along_depth ? depth : lanes) * Index(sizeof(T));
  for (Index run = runs * part / parts; run < runs * (part + 1) / parts; ++run) {
    const auto* at = reinterpret_cast<const char*>(from.data + run * stride);
    for (Index b = 0; b < bytes + 63; b += 64) __builtin_prefetch(at + std::min(b, bytes - 1), 0, 2);
  }
}
inline void prefetch(const Unit* from, Index units, Index part, Index parts) {
  const Index lines = units * Index(sizeof(Unit)) / 64;
  const auto* at = reinterpret_cast<const char*>(from);
  for (Index i = lines * part / parts; i < lines * (part + 1) / parts; ++i) __builtin_prefetch(at + i * 64, 0, 2);
}

// One thread's share of a product.
template <Device D, class T, class C> class Worker {
 public:
  Worker(const Product<T, C>& p, const Blocking<D, T, C>& cut, int thread, std::byte* work)
      : p_(p), cut_(cut), area_(cut.area(thread, p.m)), memory_(cut.memory(thread, work)) {}

  void run() {
    const Index step = cut_.cols / Tile<D>::cols;
    for (Index panel = area_.panel; panel < area_.panel_end; panel += step)
      for (Index row = area_.row; row < area_.row_end; row += cut_.rows)
        for (Index k = 0; k < std::max<Index>(p_.k, 1); k += cut_.depth)
          chunk(row, std::min(cut_.rows, area_.row_end - row), panel, std::min(panel + step, area_.panel_end), k);
  }

 private:
  static constexpr Index R = Tile<D>::rows, N = Tile<D>::cols;

  void chunk(Index row, Index rows, Index panel, Index panel_end, Index k) {
    const Index depth = std::min(cut_.depth, p_.k - k), units = units_of<T>(depth);
    for (Index i = 0; i < rows; i += R)
      pack<D, T, R>(p_.a.at(row + i, k), std::min(R, rows - i), depth, memory_.a + i * units);
    for (Index j = panel; j < panel_end; ++j) {
      const Unit* b = panel_of_b(j, k, depth);
      Block block{k == 0, k + depth >= p_.k, memory_.partial, cut_.cols};
      if (block.partial) block.partial += (j - panel) * N;
      for (Index i = 0; i < rows; i += R) {
        if (j + 1 < panel_end) prefetch_next(j + 1, k, depth, i / R, (rows + R - 1) / R);
        tile(row + i, std::min(R, rows - i), j, units, memory_.a + i * units, b, block);
        if (block.partial) block.partial += R * cut_.cols;
      }
    }
  }
  void tile(Index row, Index rows, Index panel, Index units, const Unit* a, const Unit* b, const Block& block) {
    alignas(64) float sums[R * N];
    C* const c = p_.store.c + row * p_.store.c_stride + panel * N;
    const Index cols = std::min(N, p_.n - panel * N), bytes = cols * Index(sizeof(C));
    for (Index i = 0; i < rows; ++i)
      for (Index at = 0; at < bytes; at += 64)
        __builtin_prefetch(reinterpret_cast<const char*>(c + i * p_.store.c_stride) + at, 1, 3);
    tile_product<D, T>(int(rows), units, a, b, sums, N, Sum::fresh);
    store_tile<D>(p_.store, block, sums, row, rows, panel * N, cols);
  }
  const Unit* panel_of_b(Index panel, Index k, Index depth) {
    if (p_.panels) return p_.panels + (panel * units_of<T>(p_.k) + k / per_unit<T>)*N;
    pack<D, T, N>(p_.b.at(panel * N, k), std::min(N, p_.n - panel * N), depth, memory_.b);
    return memory_.b;
  }
  void prefetch_next(Index panel, Index k, Index depth, Index part, Index parts) {
    if (p_.panels) prefetch(panel_of_b(panel, k, depth), units_of<T>(depth) * N, part, parts);
    else prefetch(p_.b.at(panel * N, k), std::min(N, p_.n - panel * N), depth, part, parts);
  }

  const Product<T, C>& p_;
  const Blocking<D, T, C>& cut_;
  typename Blocking<D, T, C>::Area area_;
  typename Blocking<D, T, C>::Memory memory_;
};

// Bytes of work memory (64-byte aligned) that multiply() needs for this product with this many threads.
template <Device D, class T, class C> Index work_bytes(Index m, Index n, Index k, int threads) {
  return Blocking<D, T, C>(m, n, k, threads).bytes();
}

// Cost 2 m n k.
template <Device D, class T, class C>
[[gnu::noinline]] void multiply(const Product<T, C>& p, Threads& threads, std::byte* work) {
  if (p.m == 0 || p.n == 0) return;
  const Blocking<D, T, C> cut(p.m, p.n, p.k, threads.count());
  if (cut.threads() == 1) return Worker<D, T, C>(p, cut, 0, work).run();
  threads.run([&](int thread, int) { Worker<D, T, C>(p, cut, thread, work).run(); });
}

}  // namespace vlt::cpu
