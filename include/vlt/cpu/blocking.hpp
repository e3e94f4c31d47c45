#pragma once
#include <algorithm>
#include <cstddef>
#include <vlt/cpu/product.hpp>

namespace vlt::cpu {

// How a product C (m, n) = A (m, k) B (k, n) of T is cut. Every thread owns a rectangle of C and walks it in groups of
// panels (columns of one tile), chunks of rows and blocks of the contraction, so that what is packed stays in cache.
// Where sums are interrupted depends on k alone: neither m nor the number of threads changes a bit of C.
template <Device D, class T> class Blocking {
 public:
  static constexpr Index R = Tile<D>::rows, N = Tile<D>::cols;

  Blocking(Index m, Index n, Index k, int threads) : all_rows_((m + R - 1) / R), all_panels_((n + N - 1) / N) {
    depth = balanced(std::max<Index>(k, 1), longest, 2 * lanes<D>);
    interrupted = k > depth;
    share(small_product(m, n, k) ? 1 : threads);
    const Index rows_each = part(all_rows_, across_rows_) * R, panels_each = part(all_panels_, across_panels_),
                whole_panel = N * bytes_of(k);
    rows = balanced(rows_each, std::max(R, packed_a / bytes_of(depth)), R);
    keeps_b = rows < rows_each && fewest * whole_panel <= packed_b;
    panels = panels_each;
    if (keeps_b) panels = std::min(panels, packed_b / whole_panel);
    else if (interrupted) panels = std::min(panels, most);
    bytes_a_ = rounded_up(rows * bytes_of(depth), 64);
    bytes_b_ = keeps_b ? panels * whole_panel : N * bytes_of(depth);
    bytes_sums_ = interrupted ? rows * panels * N * Index(sizeof(float)) : 0;
  }

  Index rows, panels, depth;  // worked on together
  bool interrupted;           // the contraction has several blocks: sums wait in memory in between
  bool keeps_b;               // B's packed panels serve several chunks of rows

  int threads() const { return across_rows_ * across_panels_; }
  Index bytes() const { return threads() * bytes_per_thread(); }

  // One thread's part of C: rows [row, row_end), panels [panel, panel_end).
  struct Area {
    Index row, row_end, panel, panel_end;
  };
  Area area(int thread, Index m) const {
    const int i = thread / across_panels_, j = thread % across_panels_;
    return {all_rows_ * i / across_rows_ * R, std::min(m, all_rows_ * (i + 1) / across_rows_ * R),
            all_panels_ * j / across_panels_, all_panels_ * (j + 1) / across_panels_};
  }
  // Its work memory: packed A and B, and the waiting sums.
  struct Memory {
    Unit *a, *b;
    float* sums;
  };
  Memory memory(int thread, std::byte* work) const {
    work += thread * bytes_per_thread();
    return {reinterpret_cast<Unit*>(work), reinterpret_cast<Unit*>(work + bytes_a_),
            reinterpret_cast<float*>(work + bytes_a_ + bytes_b_)};
  }

 private:
  static constexpr Index longest = 768;          // elements of a contraction block
  static constexpr Index packed_a = 448 << 10;   // bytes that stay in the second-level cache
  static constexpr Index packed_b = 4 << 20;     // bytes that stay in the third
  static constexpr Index fewest = 4, most = 32;  // panels in a group

  static Index bytes_of(Index depth) { return units_of<T>(depth) * Index(sizeof(Unit)); }
  static Index part(Index n, Index parts) { return (n + parts - 1) / parts; }

  // The division of C that leaves the slowest thread least to do, packing included.
  void share(int threads) {
    double best = 0;
    for (int i = 1; i <= threads; ++i) {
      if (threads % i) continue;
      const double r = double(part(all_rows_, i) * R), c = double(part(all_panels_, threads / i) * N),
                   work = r * c + 6 * r + 12 * c;
      if (i == 1 || work < best) best = work, across_rows_ = i, across_panels_ = threads / i;
    }
  }
  Index bytes_per_thread() const { return bytes_a_ + bytes_b_ + bytes_sums_; }

  Index all_rows_, all_panels_, bytes_a_, bytes_b_, bytes_sums_;
  int across_rows_ = 1, across_panels_ = 1;
};

}  // namespace vlt::cpu
