#pragma once
#include <vlt/simt/strided.hpp>
#include <vlt/simt/vocabulary.hpp>

// Sums over rows, in two launches and an order that only the number of rows decides: gradients of norms' weights and of
// biases have the same bits in every run and on every device.
namespace vlt::ops::kernel {

// partial(g, c) = the sum of dy(r, c) xhat(r, c) over the rows of group g; one thread a column.
//   xhat = 1                         without x: the gradient of a bias
//   xhat = (x - mean) rstd           the weight of a layer norm; without mean, of an RMS norm
template <class G, class X> struct ColumnPartials {
  static constexpr int threads = 128, group_rows = 64;

  simt::Strided<const G> dy;  // (rows, cols)
  simt::Strided<const X> x;   // (rows, cols), or none
  const float *mean, *rstd;   // (rows), or none
  float* partial;             // (groups, cols)
  Index rows;
  int cols;

  static constexpr Index groups(Index rows) { return rows <= group_rows ? 1 : (rows + group_rows - 1) / group_rows; }
  simt::Grid grid() const { return {unsigned(groups(rows)), simt::blocks_for(cols, threads)}; }

  VLT_SIMT void operator()() const {
    const Index group = simt::block_x(), first = group * group_rows;
    const int c = int(simt::block_y()) * threads + int(simt::thread_index());
    if (c >= cols) return;
    float sum = 0;
    for (Index r = first; r < first + group_rows && r < rows; ++r) {
      const float g = simt::widen(dy.row(r)[c]);
      sum += x.data ? g * (simt::widen(x.row(r)[c]) - (mean ? mean[r] : 0.0f)) * rstd[r] : g;
    }
    partial[group * cols + c] = sum;
  }
};

// sums(c) += partial(0, c) + partial(1, c) + ...
struct ColumnSums {
  static constexpr int threads = 128;

  const float* partial;  // (groups, cols)
  float* sums;           // (cols)
  Index groups;
  int cols;

  simt::Grid grid() const { return {simt::blocks_for(cols, threads)}; }

  VLT_SIMT void operator()() const {
    const int c = int(simt::block_x()) * threads + int(simt::thread_index());
    if (c >= cols) return;
    float sum = 0;
    for (Index g = 0; g < groups; ++g) sum += partial[g * cols + c];
    sums[c] += sum;
  }
};

}  // namespace vlt::ops::kernel
