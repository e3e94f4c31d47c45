#pragma once
#include <cmath>
#include <vector>
#include <vlt/ops/rows.hpp>

namespace vlt {

// Two-dimensional sin-cos positions (He et al. 2022), (grid * grid, width): the first half of the channels encodes the
// column, the second half the row; each half is sines, then cosines.
inline std::vector<double> sin_cos_positions(Index width, Index grid) {
  const Index quarter = width / 4;
  std::vector<double> t(grid * grid * width);
  for (Index row = 0; row < grid; ++row)
    for (Index col = 0; col < grid; ++col)
      for (Index i = 0; i < quarter; ++i) {
        const double w = std::pow(10000.0, -double(i) / double(quarter));
        double* at = &t[(row * grid + col) * width + i];
        at[0] = std::sin(double(col) * w), at[quarter] = std::cos(double(col) * w);
        at[2 * quarter] = std::sin(double(row) * w), at[3 * quarter] = std::cos(double(row) * w);
      }
  return t;
}

// A position table on another grid: bicubic, a = -0.75, pixel centres aligned as in torch (align_corners false), edges
// repeated.
inline std::vector<double> resize_positions(const std::vector<double>& table, Index width, Index from, Index to) {
  if (from == to) return table;
  const auto cubic = [](double x) {
    constexpr double a = -0.75;
    x = std::abs(x);
    if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0.0;
  };
  std::vector<double> out(to * to * width);
  for (Index row = 0; row < to; ++row)
    for (Index col = 0; col < to; ++col) {
      const double step = double(from) / double(to), y = (double(row) + 0.5) * step - 0.5,
                   x = (double(col) + 0.5) * step - 0.5;
      for (Index dy = -1; dy <= 2; ++dy)
        for (Index dx = -1; dx <= 2; ++dx) {
          const Index sy = Index(std::floor(y)) + dy, sx = Index(std::floor(x)) + dx;
          const double weight = cubic(y - double(sy)) * cubic(x - double(sx));
          const Index cy = std::clamp<Index>(sy, 0, from - 1), cx = std::clamp<Index>(sx, 0, from - 1);
          for (Index c = 0; c < width; ++c)
            out[(row * to + col) * width + c] += weight * table[(cy * from + cx) * width + c];
        }
    }
  return out;
}

}  // namespace vlt

namespace vlt::ops {

// y = x + table, the table repeated as often as needed: positions of equal grids.
template <Device D, class X, class P, class Y>
void add_repeated(Scope& s, Matrix<X, D> x, Matrix<P, D> table, Matrix<Y, D> y) {
  using A = accum_t<P>;
  s.run("add_repeated", element_cost(y, 1, 3), [&] {
    if constexpr (in_registers<P>)
      wide::for_each_register<D>(s.threads(), y, [&](Index r, Index c, auto n) {
        const auto sum = wide::read<D>(x, r, c, n) + wide::read<D>(table, r % table.rows, c, n);
        wide::write<D>(y, r, c, sum, n);
      });
    else
      reference::for_each_element(y, [&](Index r, Index c) { y(r, c) = Y(A(x(r, c)) + A(table(r % table.rows, c))); });
  });
}
// y(r) = x(r mod rows of x), and the sum over the repeats of y's gradient: learned queries, the same for every image.
template <Device D, class T> void repeat(Scope& s, Matrix<T, D> x, Matrix<T, D> y) {
  s.run("repeat", element_cost(y, 0, 2), [&] {
    wide::for_each_row(s.threads(), y.rows, y.cols,
                       [&](Index r) { copy_elements<D>(row_of(x, r % x.rows), row_of(y, r), y.cols); });
  });
}
template <Device D, class T> void sum_repeats(Scope& s, Matrix<T, D> dy, Matrix<T, D> dx) {
  using A = accum_t<T>;
  s.run("sum_repeats", element_cost(dy, 1, 1), [&] {
    wide::for_each_row(s.threads(), dx.rows, dy.size() / std::max<Index>(dx.rows, 1), [&](Index r) {
      for (Index c = 0; c < dx.cols; ++c) {
        A sum = 0;
        for (Index i = r; i < dy.rows; i += dx.rows) sum += A(dy(i, c));
        dx(r, c) = T(sum);
      }
    });
  });
}

// y: the rows of x without the first of every sequence (CLIP's class token); and dx from dy, zero or untouched for that
// row.
template <Device D, class T>
void drop_first(Scope& s, Matrix<T, D> x, std::type_identity_t<SegmentsView<D>> b, Matrix<T, D> y) {
  s.run("drop_first", element_cost(y, 0, 2), [&] {
    for (Index i = 0, to = 0; i < b.sequences(); ++i)
      for (Index r = b.begin(i) + 1; r < b.end(i); ++r, ++to) copy_elements<D>(row_of(x, r), row_of(y, to), x.cols);
  });
}
template <Device D, class T>
void drop_first_backward(Scope& s, Matrix<T, D> dy, std::type_identity_t<SegmentsView<D>> b, Matrix<T, D> dx,
                         double beta) {
  s.run("drop_first_backward", element_cost(dx, 1, 2), [&] {
    for (Index i = 0; i < b.sequences(); ++i)
      for (Index r = b.begin(i); r < b.end(i); ++r) {
        T* const to = row_of(dx, r);
        if (beta == 0) std::fill_n(to, dx.cols, T(accum_t<T>(0)));
        if (r > b.begin(i)) add_elements<D>(row_of(dy, r - i - 1), to, dx.cols);
      }
  });
}

}  // namespace vlt::ops
