#pragma once
#include <type_traits>
#include <vlt/base/eigen.hpp>
#include <vlt/base/parallel.hpp>
#include <vlt/cpu/product.hpp>

namespace vlt::cpu {

// The register kernel of Eigen's products, for operands side by side in memory. It is called beneath Eigen's `*`, which
// allocates, may start threads, and asks the machine for its caches before it decides where sums are interrupted
// (docs/decisions/0008).
template <Device D, class W> class EigenKernel {
  using Traits = Eigen::internal::gebp_traits<W, W>;

  // Where sums are. This type is a template argument of all that Eigen instantiates for the kernel: so the instruction
  // set stands in the names of those functions, too.
  struct Sums : Eigen::internal::blas_data_mapper<W, Eigen::Index, Eigen::ColMajor> {
    using Eigen::internal::blas_data_mapper<W, Eigen::Index, Eigen::ColMajor>::blas_data_mapper;
  };
  using Kernel = Eigen::internal::gebp_kernel<W, W, Eigen::Index, Sums, Traits::mr, Traits::nr, false, false>;

 public:
  static constexpr Index rows = Traits::nr, cols = Traits::mr;

  // sums (count, stride) += A B for `count` rows of A and `width` columns of B, a multiple of `cols`.
  //   a: panels of `rows` rows, (depth, rows) each; rows that do not fill one follow, (depth) each.
  //   b: panels of `cols` columns, (depth, cols) each.
  // An element's products are added in their order to one sum of its own, whatever count and width are.
  static void add_product(Index count, Index width, Index depth, const W* a, const W* b, W* sums, Index stride) {
    Kernel{}(Sums(sums, stride), b, a, width, depth, count, W(1));  // columns are rows to Eigen: C' = B' A'
  }
};

// A B, with operands of T and sums of W = accum_t<T>, cut like the product of cpu/gemm.hpp: where sums are interrupted
// depends on k alone, so that neither m nor the number of threads changes a bit.
template <Device D, class T> class EigenProduct {
 public:
  using W = accum_t<T>;

  EigenProduct(Index m, Index n, Index k, int threads)
      : m_(m), n_(n), k_(k), by_rows_(m >= n), threads_(small_product(m, n, k) ? 1 : threads) {
    depth_ = balanced(k, longest, 8);
    rows_ = balanced(by_rows_ ? part(m, threads_) : m, most_rows, R);
    // B of a few rows is read once: it is best packed in small pieces.
    cols_ = balanced(by_rows_ ? n : part(n, threads_), m < R ? 2 * N : most_cols, N);
  }

  Index bytes() const { return m_ == 0 || n_ == 0 ? 0 : threads_ * bytes_per_thread(); }

  // Calls finish(row, col, sums, count) for pieces of rows of A B. `panels`: all of B, packed; else b is read.
  template <class F>
  void run(Source<T> a, Source<T> b, const Packed<T>* panels, Threads& threads, std::byte* work, F&& finish) const {
    if (m_ == 0 || n_ == 0) return;
    const auto share = [&](int thread, int count) {
      const Index row = by_rows_ ? border(m_, R, thread, count) : 0, col = by_rows_ ? 0 : border(n_, N, thread, count),
                  row_end = by_rows_ ? border(m_, R, thread + 1, count) : m_,
                  col_end = by_rows_ ? n_ : border(n_, N, thread + 1, count);
      const Memory memory = this->memory(work + thread * bytes_per_thread());
      for (Index i = row; i < row_end; i += rows_)
        for (Index j = col; j < col_end; j += cols_)
          block(a, b, panels, memory, {i, std::min(rows_, row_end - i), j, std::min(cols_, col_end - j)}, finish);
    };
    if (threads_ == 1) share(0, 1);
    else threads.run(share);
  }

 private:
  using Kernel = EigenKernel<D, W>;
  static constexpr Index R = Kernel::rows, N = Kernel::cols;
  static constexpr Index longest = 256;                     // elements of a contraction block
  static constexpr Index most_rows = 256, most_cols = 192;  // of C, worked on together

  // A rectangle of C.
  struct Area {
    Index row, rows, col, cols;
  };
  // One thread's packed operands and sums.
  struct Memory {
    W *a, *b, *sums;
  };

  static Index part(Index n, Index parts) { return (n + parts - 1) / parts; }
  static Index border(Index n, Index step, Index part, Index parts) {
    return std::min(n, (n + step - 1) / step * part / parts * step);
  }
  Index bytes_a() const { return rounded_up(rows_ * depth_ * Index(sizeof(W)), 64); }
  Index bytes_b() const { return rounded_up(cols_ * depth_ * Index(sizeof(W)), 64); }
  Index bytes_per_thread() const { return bytes_a() + bytes_b() + rounded_up(rows_ * cols_ * Index(sizeof(W)), 64); }
  Memory memory(std::byte* at) const {
    return {reinterpret_cast<W*>(at), reinterpret_cast<W*>(at + bytes_a()),
            reinterpret_cast<W*>(at + bytes_a() + bytes_b())};
  }

  template <class F>
  void block(Source<T> a, Source<T> b, const Packed<T>* panels, Memory memory, Area c, F&& finish) const {
    const Index width = rounded_up(c.cols, N);
    std::fill_n(memory.sums, c.rows * width, W(0));
    for (Index k = 0; k < k_; k += depth_) {
      const Index depth = std::min(depth_, k_ - k);
      pack_rows(a.at(c.row, k), c.rows, depth, memory.a);
      for (Index j = 0; j < c.cols; j += N) {
        const Index col = c.col + j, count = std::min(N, c.cols - j);
        W* const to = memory.b + j * depth;
        if constexpr (sizeof(T) == sizeof(double)) pack_lanes<N>(b.at(col, k), count, depth, to);
        else if (panels) unpack(panels, col, count, k, depth, to);
        else pack_lanes<N>(b.at(col, k), count, depth, to);
      }
      Kernel::add_product(c.rows, width, depth, memory.a, memory.b, memory.sums, width);
    }
    for (Index i = 0; i < c.rows; ++i) finish(c.row + i, c.col, memory.sums + i * width, c.cols);
  }

  // (depth, width) elements; lanes that are not there are zeros.
  template <Index width> static void pack_lanes(Source<T> from, Index count, Index depth, W* to) {
    if constexpr (std::is_same_v<W, float>) pack<D, float, int(width)>(from, count, depth, reinterpret_cast<Unit*>(to));
    else
      for (Index k = 0; k < depth; ++k, to += width)
        for (Index lane = 0; lane < width; ++lane) to[lane] = lane < count ? *from.at(lane, k).data : W(0);
  }
  static void pack_rows(Source<T> from, Index count, Index depth, W* to) {
    Index row = 0;
    for (; row + R <= count; row += R) pack_lanes<R>(from.at(row, 0), R, depth, to + row * depth);
    for (; row < count; ++row) pack_lanes<1>(from.at(row, 0), 1, depth, to + row * depth);
  }
  // The same for lanes [col, col + count) of a packed weight, in whose panels they lie otherwise.
  void unpack(const Packed<T>* panels, Index col, Index count, Index k, Index depth, W* to) const {
    constexpr Index width = Tile<D>::cols, L = lanes<D>, P = per_unit<T>;
    for (Index lane = 0; lane < N; lane += L) {
      const Index at = col + lane;
      const Packed<T>* from = panels + (at / width * units_of<T>(k_) + k / P) * width + at % width;
      W* element = to + lane;
      if (lane >= count)
        for (Index i = 0; i < depth; ++i) store<D>(element + i * N, Floats<D>{});
      else if constexpr (P == 1)
        for (Index i = 0; i < depth; ++i)
          store<D>(element + i * N, same_bits<Floats<D>>(load_units<D>(from + i * width)));
      else
        for (Index i = 0; i < depth; i += 2, from += width, element += 2 * N) {
          const Words<D> pair = load_units<D>(from);
          store<D>(element, same_bits<Floats<D>>(Words<D>(pair << 16)));
          if (i + 1 < depth) store<D>(element + N, same_bits<Floats<D>>(Words<D>(pair & 0xffff0000u)));
        }
    }
  }

  Index m_, n_, k_;
  bool by_rows_;  // threads share the rows of C, else its columns
  int threads_;
  Index depth_, rows_, cols_;
};

}  // namespace vlt::cpu
