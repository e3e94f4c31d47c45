#pragma once
#include <span>
#include <vlt/ops/elementwise.hpp>

// Splicing image features into text, dropping CLS tokens, looking up embeddings: all are moves of whole rows.
// A negative index leaves its row alone.
namespace vlt::ops {

template <class X, class Y>
void gather_rows(Scope& s, CpuMatrix<X> from, std::span<const Index> row, CpuMatrix<Y> y) {  // y(i) = from(row[i])
  s.run("gather_rows", element_cost(y, 0, 2), [&] {
    for_each_element(y, [&](Index i, Index c) {
      if (row[i] >= 0) y(i, c) = Y(accum_t<X>(from(row[i], c)));
    });
  });
}
template <class X, class Y>
void scatter_add_rows(Scope& s, CpuMatrix<X> x, std::span<const Index> row, CpuMatrix<Y> to) {  // to(row[i]) += x(i)
  s.run("scatter_add_rows", element_cost(x, 1, 3), [&] {
    for_each_element(x, [&](Index i, Index c) {
      if (row[i] >= 0) to(row[i], c) = Y(accum_t<Y>(to(row[i], c)) + accum_t<Y>(x(i, c)));
    });
  });
}

}  // namespace vlt::ops
