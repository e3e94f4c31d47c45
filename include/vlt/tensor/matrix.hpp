#pragma once
#include <vlt/base/config.hpp>
#include <vlt/base/policy.hpp>

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
  T* data = nullptr;
  Index rows = 0, cols = 0, stride = 0;

  constexpr Shape shape() const { return {rows, cols}; }
  constexpr Index size() const { return rows * cols; }
  constexpr bool contiguous() const { return stride == cols || rows <= 1; }
  T& operator()(Index r, Index c) const requires(on_host(D)) { return data[r * stride + c]; }
};

template <class T> using CpuMatrix = Matrix<T, Device::cpu>;

// Columns [begin, begin + count) of every row: how q, k and v are read from one fused buffer.
template <class M> constexpr M columns(M m, Index begin, Index count) {
  if (m.data) m.data += begin;
  m.cols = count;
  return m;
}
template <class M> constexpr M row_range(M m, Index begin, Index count) {
  if (m.data) m.data += begin * m.stride;
  m.rows = count;
  return m;
}

}  // namespace vlt
