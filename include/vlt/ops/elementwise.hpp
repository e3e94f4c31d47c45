#pragma once
#include <vlt/tensor/scope.hpp>

namespace vlt::ops {

// y(r, c) = f(r, c): the loop behind every operation of this folder that has no better one.
template <class T, class F> void for_each_element(CpuMatrix<T> y, F&& f) {
  for (Index r = 0; r < y.rows; ++r)
    for (Index c = 0; c < y.cols; ++c) f(r, c);
}

template <class T> Cost element_cost(CpuMatrix<T> m, double flops, double passes) {
  return {flops * double(m.size()), passes * sizeof(T) * double(m.size())};
}

template <class X, class Y> void convert(Scope& s, CpuMatrix<X> x, CpuMatrix<Y> y) {  // y = x, rounded to Y
  s.run("convert", element_cost(y, 0, 2),
        [&] { for_each_element(y, [&](Index r, Index c) { y(r, c) = Y(accum_t<X>(x(r, c))); }); });
}
template <class T> void add(Scope& s, CpuMatrix<T> x, CpuMatrix<T> y) {  // y += x
  s.run("add", element_cost(y, 1, 3), [&] {
    for_each_element(y, [&](Index r, Index c) { y(r, c) = T(accum_t<T>(y(r, c)) + accum_t<T>(x(r, c))); });
  });
}
template <class T> void fill(Scope& s, CpuMatrix<T> y, double value) {
  s.run("fill", element_cost(y, 0, 1),
        [&] { for_each_element(y, [&](Index r, Index c) { y(r, c) = T(accum_t<T>(value)); }); });
}
template <class T, class G>
void add_row_sums(Scope& s, CpuMatrix<T> dy, CpuMatrix<G> db) {  // db(0, c) += sum_r dy(r, c)
  s.run("add_row_sums", element_cost(dy, 1, 1),
        [&] { for_each_element(dy, [&](Index r, Index c) { db(0, c) += G(accum_t<T>(dy(r, c))); }); });
}

// x as a matrix of To: itself if it already is one, else a converted copy in keep or temp memory.
template <class To, class T> CpuMatrix<To> as(Scope& s, CpuMatrix<T> x, bool keep = false) {
  if constexpr (std::is_same_v<To, T>) return x;
  else {
    auto y = s.keep_if<CpuMatrix<To>>(keep, x.shape());
    convert(s, x, y);
    return y;
  }
}

}  // namespace vlt::ops
