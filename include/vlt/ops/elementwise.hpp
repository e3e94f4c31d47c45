#pragma once
#include <algorithm>
#include <vlt/cpu/tile.hpp>
#include <vlt/tensor/scope.hpp>

namespace vlt::ops {

// Operations of this folder come in three parts: `reference` has the formula as plain loops, for any scalar; `wide`
// works in registers of an instruction set, on several threads; the operation itself counts its cost and picks one of
// them: double is computed by the reference, its products and reductions by Eigen, everything else in registers of
// floats.
template <class T> inline constexpr bool in_registers = !std::is_same_v<T, double>;

// Products and reductions of double precision: ops/double_precision.hpp has those of double. Here the names are, so
// that a compiler has no more to say than the sentence.
template <class T> struct DoublePrecision {
  static_assert(in_registers<T>, "vlt: who computes in double includes <vlt/ops/double_precision.hpp>");
  template <auto...> static void gemm(auto&&...);
  static void rms_norm(auto&&...), rms_norm_dx(auto&&...), layer_norm(auto&&...), layer_norm_dx(auto&&...);
};

template <Device D, class T> Cost element_cost(Matrix<T, D> m, double flops, double passes) {
  return {flops * double(m.size()), passes * sizeof(T) * double(m.size())};
}

template <Device D, class T> T* row_of(Matrix<T, D> m, Index r) {
  static_assert(host_code<D>::ok);
  return m.data + r * m.stride;
}

namespace reference {

// y(r, c) = f(r, c): the loop behind every reference.
template <Device D, class T, class F> void for_each_element(Matrix<T, D> y, F&& f) {
  for (Index r = 0; r < y.rows; ++r)
    for (Index c = 0; c < y.cols; ++c) f(r, c);
}

}  // namespace reference

namespace wide {

// Elements that are worth a thread of their own.
inline constexpr Index grain = 16384;

// Calls f(row) for every row of a matrix with `cols` columns; rows are shared out among the threads.
template <class F> void for_each_row(Threads& threads, Index rows, Index cols, F&& f) {
  threads.ranges(rows, std::max<Index>(1, grain / std::max<Index>(cols, 1)), [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) f(r);
  });
}
// Calls f(row, column, count) for every register of the rows of y; a single row is shared out among the threads too.
template <Device D, class T, class F> void for_each_register(Threads& threads, Matrix<T, D> y, F&& f) {
  if (y.rows == 1)
    return threads.ranges(y.cols, grain, [&](Index begin, Index end) {
      cpu::for_each_register<D>(end - begin, [&](Index c, auto count) { f(Index(0), begin + c, count); });
    });
  for_each_row(threads, y.rows, y.cols,
               [&](Index r) { cpu::for_each_register<D>(y.cols, [&](Index c, auto count) { f(r, c, count); }); });
}
// The same for sums over rows: columns are shared out, and each thread meets the rows in their order.
template <Device D, class T, class F> void for_each_column_register(Threads& threads, Matrix<T, D> x, F&& f) {
  const Index blocks = std::max<Index>(1, grain / std::max<Index>(x.rows, 1));
  threads.ranges(x.cols, cpu::lanes<D> * ((blocks + cpu::lanes<D> - 1) / cpu::lanes<D>), [&](Index begin, Index end) {
    for (Index r = 0; r < x.rows; ++r)
      cpu::for_each_register<D>(end - begin, [&](Index c, auto count) { f(r, begin + c, count); });
  });
}

template <Device D, class T>
[[gnu::always_inline]] inline cpu::Floats<D> read(Matrix<T, D> m, Index r, Index c, auto n) {
  return cpu::load<D>(row_of(m, r) + c, n);
}
template <Device D, class T>
[[gnu::always_inline]] inline void write(Matrix<T, D> m, Index r, Index c, cpu::Floats<D> v, auto n) {
  cpu::store<D>(row_of(m, r) + c, v, n);
}

}  // namespace wide

// y = x, rounded to Y
template <Device D, class X, class Y> void convert(Scope& s, Matrix<X, D> x, Matrix<Y, D> y) {
  s.run("convert", element_cost(y, 0, 2), [&] {
    if constexpr (in_registers<X> && in_registers<Y>)
      wide::for_each_register<D>(
          s.threads(), y, [&](Index r, Index c, auto n) { wide::write<D>(y, r, c, wide::read<D>(x, r, c, n), n); });
    else reference::for_each_element(y, [&](Index r, Index c) { y(r, c) = Y(accum_t<X>(x(r, c))); });
  });
}
// y += x
template <Device D, class T> void add(Scope& s, Matrix<T, D> x, Matrix<T, D> y) {
  s.run("add", element_cost(y, 1, 3), [&] {
    if constexpr (in_registers<T>)
      wide::for_each_register<D>(s.threads(), y, [&](Index r, Index c, auto n) {
        wide::write<D>(y, r, c, wide::read<D>(y, r, c, n) + wide::read<D>(x, r, c, n), n);
      });
    else reference::for_each_element(y, [&](Index r, Index c) { y(r, c) += x(r, c); });
  });
}
template <Device D, class T> void fill(Scope& s, Matrix<T, D> y, double value) {
  s.run("fill", element_cost(y, 0, 1), [&] {
    const T v = T(accum_t<T>(value));
    if (y.rows == 1)
      return s.threads().ranges(y.cols, wide::grain,
                                [&](Index begin, Index end) { std::fill(y.data + begin, y.data + end, v); });
    wide::for_each_row(s.threads(), y.rows, y.cols, [&](Index r) { std::fill_n(row_of(y, r), y.cols, v); });
  });
}
// db(0, c) += sum_r dy(r, c)
template <Device D, class T, class G> void add_row_sums(Scope& s, Matrix<T, D> dy, Matrix<G, D> db) {
  s.run("add_row_sums", element_cost(dy, 1, 1), [&] {
    if constexpr (in_registers<T>)
      wide::for_each_column_register<D>(s.threads(), dy, [&](Index r, Index c, auto n) {
        const auto sum = wide::read<D>(db, 0, c, n) + wide::read<D>(dy, r, c, n);
        wide::write<D>(db, 0, c, sum, n);
      });
    else reference::for_each_element(dy, [&](Index r, Index c) { db(0, c) += dy(r, c); });
  });
}

// x as a matrix of To: itself if it already is one, else a converted copy in keep or temp memory.
template <class To, Device D, class T> Matrix<To, D> as(Scope& s, Matrix<T, D> x, bool keep = false) {
  if constexpr (std::is_same_v<To, T>) return x;
  else {
    auto y = s.keep_if<Matrix<To, D>>(keep, x.shape());
    convert(s, x, y);
    return y;
  }
}

}  // namespace vlt::ops
