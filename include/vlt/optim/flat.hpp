#pragma once
#include <algorithm>
#include <span>
#include <vlt/tensor/buffer.hpp>
#include <vlt/tensor/matrix.hpp>

namespace vlt {

// Elements [begin, end) of a unit's flat parameters.
struct Range {
  Index begin = 0, end = 0;
  Index size() const { return end - begin; }
  bool holds(Index i) const { return begin <= i && i < end; }
  bool operator==(const Range&) const = default;
};
inline Range intersection(Range a, Range b) {
  const Index begin = std::max(a.begin, b.begin);
  return {begin, std::max(begin, std::min(a.end, b.end))};
}

// The shape of a run of elements as one row, without memory: what a plan works on.
template <class T, Device D> Matrix<T, D> planned_row(Range r) {
  Matrix<T, D> m;
  m.rows = 1, m.cols = m.stride = r.size();
  return m;
}

// The part of a unit's flat parameters that this rank holds, indexed by position in the whole.
template <class T, Device D> struct Flat {
  Address<T, D> begin;
  Range range;

  // (1, elements)
  Matrix<T, D> row(Range r) const {
    Matrix<T, D> m = planned_row<T, D>(r);
    if (r.size() > 0) m.data = begin.after(r.begin - range.begin);
    return m;
  }
  std::span<T> part(Range r) const {
    static_assert(host_code<D>::ok);
    return {at(r.begin), std::size_t(r.size())};
  }
  std::span<T> data() const { return part(range); }
  T* at(Index i) const {
    static_assert(host_code<D>::ok);
    return begin + (i - range.begin);
  }
};

}  // namespace vlt
