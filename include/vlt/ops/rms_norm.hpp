#pragma once
#include <cmath>
#include <vlt/ops/elementwise.hpp>

// x, y: (rows, width); weight: (1, width); rstd: (rows, 1) in accumulation precision.
namespace vlt::ops {

namespace reference {
template <Device D, class G, class X>
void rms_norm_dw(Matrix<G, D> dy, Matrix<X, D> x, Matrix<accum_t<X>, D> rstd, Matrix<accum_t<X>, D> dw) {
  using A = accum_t<X>;
  for_each_element(x, [&](Index r, Index c) { dw(0, c) += A(dy(r, c)) * A(x(r, c)) * rstd(r, 0); });
}
}  // namespace reference

namespace wide {
template <Device D, class X, class W, class Y>
void rms_norm(Threads& t, Matrix<X, D> x, Matrix<W, D> w, Matrix<Y, D> y, Matrix<float, D> rstd, double eps) {
  for_each_row(t, x.rows, x.cols, [&](Index r) {
    cpu::Floats<D> squares = {};
    cpu::for_each_register<D>(x.cols, [&](Index c, auto n) {
      const auto v = read<D>(x, r, c, n);
      squares += v * v;
    });
    rstd(r, 0) = float(1 / std::sqrt(double(cpu::sum<D>(squares)) / double(x.cols) + eps));
    cpu::for_each_register<D>(
        x.cols, [&](Index c, auto n) { write<D>(y, r, c, read<D>(x, r, c, n) * rstd(r, 0) * read<D>(w, 0, c, n), n); });
  });
}
template <Device D, class G, class X, class W>
void rms_norm_dx(Threads& t, Matrix<G, D> dy, Matrix<X, D> x, Matrix<W, D> w, Matrix<float, D> rstd, Matrix<X, D> dx,
                 double beta) {
  for_each_row(t, x.rows, x.cols, [&](Index r) {
    cpu::Floats<D> dots = {};
    cpu::for_each_register<D>(
        x.cols, [&](Index c, auto n) { dots += read<D>(dy, r, c, n) * read<D>(w, 0, c, n) * read<D>(x, r, c, n); });
    const float scale = rstd(r, 0), along = scale * scale * cpu::sum<D>(dots) / float(x.cols);
    cpu::for_each_register<D>(x.cols, [&](Index c, auto n) {
      auto g = (read<D>(dy, r, c, n) * read<D>(w, 0, c, n) - read<D>(x, r, c, n) * along) * scale;
      if (beta != 0) g += read<D>(dx, r, c, n);
      write<D>(dx, r, c, g, n);
    });
  });
}
template <Device D, class G, class X>
void rms_norm_dw(Threads& t, Matrix<G, D> dy, Matrix<X, D> x, Matrix<float, D> rstd, Matrix<float, D> dw) {
  for_each_column_register<D>(t, x, [&](Index r, Index c, auto n) {
    write<D>(dw, 0, c, read<D>(dw, 0, c, n) + read<D>(dy, r, c, n) * read<D>(x, r, c, n) * rstd(r, 0), n);
  });
}
}  // namespace wide

// y = x rstd w,  rstd = 1 / sqrt(mean(x^2) + eps)                        (Zhang, Sennrich 2019)
template <Device D, class X, class W, class Y>
void rms_norm(Scope& s, Matrix<X, D> x, Matrix<W, D> w, Matrix<Y, D> y, Matrix<accum_t<X>, D> rstd, double eps) {
  s.run("rms_norm", element_cost(x, 4, 2), [&] {
    if constexpr (in_registers<accum_t<X>>) wide::rms_norm<D>(s.threads(), x, w, y, rstd, eps);
    else DoublePrecision<X>::rms_norm(x, w, y, rstd, eps);
  });
}
// dx = beta dx + rstd (g - xhat mean(g xhat)),  g = dy w,  xhat = x rstd
template <Device D, class G, class X, class W>
void rms_norm_dx(Scope& s, Matrix<G, D> dy, Matrix<X, D> x, Matrix<W, D> w, Matrix<accum_t<X>, D> rstd, Matrix<X, D> dx,
                 double beta) {
  s.run("rms_norm_dx", element_cost(x, 8, 3), [&] {
    if constexpr (in_registers<accum_t<X>>) wide::rms_norm_dx<D>(s.threads(), dy, x, w, rstd, dx, beta);
    else DoublePrecision<X>::rms_norm_dx(dy, x, w, rstd, dx, beta);
  });
}
// dw += sum_r dy xhat
template <Device D, class G, class X>
void rms_norm_dw(Scope& s, Matrix<G, D> dy, Matrix<X, D> x, Matrix<accum_t<X>, D> rstd, Matrix<accum_t<X>, D> dw) {
  s.run("rms_norm_dw", element_cost(x, 3, 2), [&] {
    if constexpr (in_registers<accum_t<X>>) wide::rms_norm_dw<D>(s.threads(), dy, x, rstd, dw);
    else reference::rms_norm_dw(dy, x, rstd, dw);
  });
}

}  // namespace vlt::ops
