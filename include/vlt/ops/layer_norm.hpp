#pragma once
#include <cmath>
#include <vlt/ops/elementwise.hpp>

// x, y: (rows, width); weight, bias: (1, width); mean, rstd: (rows, 1) in accumulation precision.
namespace vlt::ops {

namespace reference {
template <Device D, class G, class X>
void layer_norm_dw(Matrix<G, D> dy, Matrix<X, D> x, Matrix<accum_t<X>, D> mean, Matrix<accum_t<X>, D> rstd,
                   Matrix<accum_t<X>, D> dw) {
  using A = accum_t<X>;
  for_each_element(x, [&](Index r, Index c) { dw(0, c) += A(dy(r, c)) * (A(x(r, c)) - mean(r, 0)) * rstd(r, 0); });
}
}  // namespace reference

namespace wide {
// The statistics of one row; the variance in a pass of its own, as sums of squares would cancel.
struct RowStatistics {
  float mean, rstd;
};
template <Device D, class X> RowStatistics row_statistics(Matrix<X, D> x, Index r, double eps) {
  cpu::Floats<D> sum = {}, squares = {};
  cpu::for_each_register<D>(x.cols, [&](Index c, auto n) { sum += read<D>(x, r, c, n); });
  const float mean = float(double(cpu::sum<D>(sum)) / double(x.cols));
  cpu::for_each_register<D>(x.cols, [&](Index c, auto n) {
    const auto off = cpu::first<D>(read<D>(x, r, c, n) - mean, n);
    squares += off * off;
  });
  return {mean, float(1 / std::sqrt(double(cpu::sum<D>(squares)) / double(x.cols) + eps))};
}
template <Device D, class X, class W, class Y>
void layer_norm(Threads& t, Matrix<X, D> x, Matrix<W, D> w, Matrix<W, D> b, Matrix<Y, D> y, Matrix<float, D> mean,
                Matrix<float, D> rstd, double eps) {
  for_each_row(t, x.rows, x.cols, [&](Index r) {
    const RowStatistics row = row_statistics<D>(x, r, eps);
    mean(r, 0) = row.mean, rstd(r, 0) = row.rstd;
    cpu::for_each_register<D>(x.cols, [&](Index c, auto n) {
      const auto xhat = (read<D>(x, r, c, n) - row.mean) * row.rstd;
      write<D>(y, r, c, xhat * read<D>(w, 0, c, n) + read<D>(b, 0, c, n), n);
    });
  });
}
template <Device D, class G, class X, class W>
void layer_norm_dx(Threads& t, Matrix<G, D> dy, Matrix<X, D> x, Matrix<W, D> w, Matrix<float, D> mean,
                   Matrix<float, D> rstd, Matrix<X, D> dx, double beta) {
  for_each_row(t, x.rows, x.cols, [&](Index r) {
    const float m = mean(r, 0), scale = rstd(r, 0), width = float(x.cols);
    cpu::Floats<D> sums = {}, dots = {};
    cpu::for_each_register<D>(x.cols, [&](Index c, auto n) {
      const auto g = read<D>(dy, r, c, n) * read<D>(w, 0, c, n);
      sums += g;
      dots += g * (read<D>(x, r, c, n) - m);
    });
    const float even = cpu::sum<D>(sums) / width, along = scale * scale * cpu::sum<D>(dots) / width;
    cpu::for_each_register<D>(x.cols, [&](Index c, auto n) {
      auto g = read<D>(dy, r, c, n) * read<D>(w, 0, c, n) - even - (read<D>(x, r, c, n) - m) * along;
      g *= scale;
      if (beta != 0) g += read<D>(dx, r, c, n);
      write<D>(dx, r, c, g, n);
    });
  });
}
template <Device D, class G, class X>
void layer_norm_dw(Threads& t, Matrix<G, D> dy, Matrix<X, D> x, Matrix<float, D> mean, Matrix<float, D> rstd,
                   Matrix<float, D> dw) {
  for_each_column_register<D>(t, x, [&](Index r, Index c, auto n) {
    const auto xhat = (read<D>(x, r, c, n) - mean(r, 0)) * rstd(r, 0);
    write<D>(dw, 0, c, read<D>(dw, 0, c, n) + read<D>(dy, r, c, n) * xhat, n);
  });
}
}  // namespace wide

// y = (x - mean) rstd w + b,  rstd = 1 / sqrt(var(x) + eps)              (Ba, Kiros, Hinton 2016)
template <Device D, class X, class W, class Y>
void layer_norm(Scope& s, Matrix<X, D> x, Matrix<W, D> w, Matrix<W, D> b, Matrix<Y, D> y, Matrix<accum_t<X>, D> mean,
                Matrix<accum_t<X>, D> rstd, double eps) {
  s.run("layer_norm", element_cost(x, 6, 2), [&] {
    if constexpr (in_registers<accum_t<X>>) wide::layer_norm<D>(s.threads(), x, w, b, y, mean, rstd, eps);
    else DoublePrecision<X>::layer_norm(x, w, b, y, mean, rstd, eps);
  });
}
// dx = beta dx + rstd (g - mean(g) - xhat mean(g xhat)),  g = dy w
template <Device D, class G, class X, class W>
void layer_norm_dx(Scope& s, Matrix<G, D> dy, Matrix<X, D> x, Matrix<W, D> w, Matrix<accum_t<X>, D> mean,
                   Matrix<accum_t<X>, D> rstd, Matrix<X, D> dx, double beta) {
  s.run("layer_norm_dx", element_cost(x, 10, 3), [&] {
    if constexpr (in_registers<accum_t<X>>) wide::layer_norm_dx<D>(s.threads(), dy, x, w, mean, rstd, dx, beta);
    else DoublePrecision<X>::layer_norm_dx(dy, x, w, mean, rstd, dx, beta);
  });
}
// dw += sum_r dy xhat
template <Device D, class G, class X>
void layer_norm_dw(Scope& s, Matrix<G, D> dy, Matrix<X, D> x, Matrix<accum_t<X>, D> mean, Matrix<accum_t<X>, D> rstd,
                   Matrix<accum_t<X>, D> dw) {
  s.run("layer_norm_dw", element_cost(x, 4, 2), [&] {
    if constexpr (in_registers<accum_t<X>>) wide::layer_norm_dw<D>(s.threads(), dy, x, mean, rstd, dw);
    else reference::layer_norm_dw(dy, x, mean, rstd, dw);
  });
}

}  // namespace vlt::ops
