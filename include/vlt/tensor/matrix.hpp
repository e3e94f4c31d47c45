#pragma once
#include <vlt/tensor/address.hpp>

namespace vlt {

struct Shape {
  Index rows = 0, cols = 0;
  constexpr Index size() const { return rows * cols; }
  bool operator==(const Shape&) const = default;
};

// A row-major view of memory somebody else owns; consecutive rows are `stride` elements apart.
// While planning, `data` is null and only the shape is meant.
template <class T, Device D> struct Matrix {
  using value_type = T;
  static constexpr Device device = D;
  Address<T, D> data;
  Index rows = 0, cols = 0, stride = 0;

  constexpr Shape shape() const { return {rows, cols}; }
  constexpr Index size() const { return rows * cols; }
  constexpr bool contiguous() const { return stride == cols || rows <= 1; }
  T& operator()(Index r, Index c) const {
    static_assert(host_code<D>::ok);
    return data[r * stride + c];
  }
};

// Columns [begin, begin + count) of every row: how q, k and v are read from one fused buffer.
template <class M> constexpr M columns(M m, Index begin, Index count) {
  m.data = m.data.after(begin);
  m.cols = count;
  return m;
}
template <class M> constexpr M row_range(M m, Index begin, Index count) {
  m.data = m.data.after(begin * m.stride);
  m.rows = count;
  return m;
}

// A view of the host's memory that neither a buffer nor the arena owns: a vector of pixels, a result to be read. M: the
// kind of matrix (or tokens) it shall be; it must be one of the host's.
template <class M> constexpr M borrow_host(typename M::value_type* at, Index rows, Index cols, Index stride) {
  static_assert(host_code<M::device>::ok);
  M m;
  m.data = decltype(m.data)(at), m.rows = rows, m.cols = cols, m.stride = stride;
  return m;
}
template <class M> constexpr M borrow_host(typename M::value_type* at, Index rows, Index cols) {
  return borrow_host<M>(at, rows, cols, cols);
}

}  // namespace vlt
