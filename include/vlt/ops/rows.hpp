#pragma once
#include <vlt/ops/elementwise.hpp>
#include <vlt/tensor/index_view.hpp>

// Splicing image features into text, dropping CLS tokens, looking up embeddings: all are moves of whole rows.
// A negative index leaves its row alone.
namespace vlt::ops {

namespace wide {
// to = from, and to += from, for n neighbouring elements.
template <Device D, class X, class Y> void copy_elements(const X* from, Y* to, Index n) {
  cpu::for_each_register<D>(n,
                            [&](Index c, auto count) { cpu::store<D>(to + c, cpu::load<D>(from + c, count), count); });
}
template <Device D, class X, class Y> void add_elements(const X* from, Y* to, Index n) {
  cpu::for_each_register<D>(n, [&](Index c, auto count) {
    cpu::store<D>(to + c, cpu::load<D>(to + c, count) + cpu::load<D>(from + c, count), count);
  });
}
}  // namespace wide

// The same for any element type.
template <Device D, class X, class Y> void copy_elements(const X* from, Y* to, Index n) {
  if constexpr (in_registers<X> && in_registers<Y>) wide::copy_elements<D>(from, to, n);
  else
    for (Index c = 0; c < n; ++c) to[c] = Y(accum_t<X>(from[c]));
}
template <Device D, class X, class Y> void add_elements(const X* from, Y* to, Index n) {
  if constexpr (in_registers<X> && in_registers<Y>) wide::add_elements<D>(from, to, n);
  else
    for (Index c = 0; c < n; ++c) to[c] = Y(accum_t<Y>(to[c]) + accum_t<Y>(from[c]));
}

// y(i) = from(row[i])
template <Device D, class X, class Y>
void gather_rows(Scope& s, Matrix<X, D> from, std::type_identity_t<IndexView<D>> row, Matrix<Y, D> y) {
  s.run("gather_rows", element_cost(y, 0, 2), [&] {
    wide::for_each_row(s.threads(), y.rows, y.cols, [&](Index i) {
      if (row[i] >= 0) copy_elements<D>(row_of(from, row[i]), row_of(y, i), y.cols);
    });
  });
}
// to(row[i]) += x(i). A row may be met several times, so columns are shared out: every sum has the order of x.
template <Device D, class X, class Y>
void scatter_add_rows(Scope& s, Matrix<X, D> x, std::type_identity_t<IndexView<D>> row, Matrix<Y, D> to) {
  s.run("scatter_add_rows", element_cost(x, 1, 3), [&] {
    s.threads().ranges(x.cols, cpu::rounded_up(wide::grain / std::max<Index>(x.rows, 1), 64), [&](Index c, Index end) {
      for (Index i = 0; i < x.rows; ++i)
        if (row[i] >= 0) add_elements<D>(row_of(x, i) + c, row_of(to, row[i]) + c, end - c);
    });
  });
}

}  // namespace vlt::ops
