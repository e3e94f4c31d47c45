#pragma once
#include <cmath>
#include <vlt/ops/elementwise.hpp>

// x, y: (rows, width); weight: (1, width); rstd: (rows, 1) in accumulation precision.
namespace vlt::ops {

namespace reference {
template <class X, class W, class Y, class A>
void rms_norm(CpuMatrix<X> x, CpuMatrix<W> w, CpuMatrix<Y> y, CpuMatrix<A> rstd, double eps) {
  for (Index r = 0; r < x.rows; ++r) {
    A sum = 0;
    for (Index c = 0; c < x.cols; ++c) sum += A(x(r, c)) * A(x(r, c));
    rstd(r, 0) = 1 / std::sqrt(sum / A(x.cols) + A(eps));
    for (Index c = 0; c < x.cols; ++c) y(r, c) = Y(A(x(r, c)) * rstd(r, 0) * A(w(0, c)));
  }
}
template <class G, class X, class W, class A>
void rms_norm_dx(CpuMatrix<G> dy, CpuMatrix<X> x, CpuMatrix<W> w, CpuMatrix<A> rstd, CpuMatrix<X> dx, double beta) {
  for (Index r = 0; r < x.rows; ++r) {
    A dot = 0;
    for (Index c = 0; c < x.cols; ++c) dot += A(dy(r, c)) * A(w(0, c)) * A(x(r, c)) * rstd(r, 0);
    dot /= A(x.cols);
    for (Index c = 0; c < x.cols; ++c) {
      const A g = A(dy(r, c)) * A(w(0, c)) - A(x(r, c)) * rstd(r, 0) * dot;
      dx(r, c) = X((beta != 0 ? A(dx(r, c)) : A(0)) + rstd(r, 0) * g);
    }
  }
}
template <class G, class X, class A, class D>
void rms_norm_dw(CpuMatrix<G> dy, CpuMatrix<X> x, CpuMatrix<A> rstd, CpuMatrix<D> dw) {
  for_each_element(x, [&](Index r, Index c) { dw(0, c) += D(A(dy(r, c)) * A(x(r, c)) * rstd(r, 0)); });
}
}  // namespace reference

namespace wide {
template <Device D, class X, class W, class Y>
void rms_norm(Threads& t, CpuMatrix<X> x, CpuMatrix<W> w, CpuMatrix<Y> y, CpuMatrix<float> rstd, double eps) {
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
void rms_norm_dx(Threads& t, CpuMatrix<G> dy, CpuMatrix<X> x, CpuMatrix<W> w, CpuMatrix<float> rstd, CpuMatrix<X> dx,
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
void rms_norm_dw(Threads& t, CpuMatrix<G> dy, CpuMatrix<X> x, CpuMatrix<float> rstd, CpuMatrix<float> dw) {
  for_each_column_register<D>(t, x, [&](Index r, Index c, auto n) {
    write<D>(dw, 0, c, read<D>(dw, 0, c, n) + read<D>(dy, r, c, n) * read<D>(x, r, c, n) * rstd(r, 0), n);
  });
}
}  // namespace wide

// y = x rstd w,  rstd = 1 / sqrt(mean(x^2) + eps)                        (Zhang, Sennrich 2019)
template <class X, class W, class Y, class A>
void rms_norm(Scope& s, CpuMatrix<X> x, CpuMatrix<W> w, CpuMatrix<Y> y, CpuMatrix<A> rstd, double eps) {
  s.run("rms_norm", element_cost(x, 4, 2), [&] {
    if constexpr (in_registers<A>) wide::rms_norm<Device::cpu>(s.threads(), x, w, y, rstd, eps);
    else reference::rms_norm(x, w, y, rstd, eps);
  });
}
// dx = beta dx + rstd (g - xhat mean(g xhat)),  g = dy w,  xhat = x rstd
template <class G, class X, class W, class A>
void rms_norm_dx(Scope& s, CpuMatrix<G> dy, CpuMatrix<X> x, CpuMatrix<W> w, CpuMatrix<A> rstd, CpuMatrix<X> dx,
                 double beta) {
  s.run("rms_norm_dx", element_cost(x, 8, 3), [&] {
    if constexpr (in_registers<A>) wide::rms_norm_dx<Device::cpu>(s.threads(), dy, x, w, rstd, dx, beta);
    else reference::rms_norm_dx(dy, x, w, rstd, dx, beta);
  });
}
// dw += sum_r dy xhat
template <class G, class X, class A, class D>
void rms_norm_dw(Scope& s, CpuMatrix<G> dy, CpuMatrix<X> x, CpuMatrix<A> rstd, CpuMatrix<D> dw) {
  s.run("rms_norm_dw", element_cost(x, 3, 2), [&] {
    if constexpr (in_registers<A>) wide::rms_norm_dw<Device::cpu>(s.threads(), dy, x, rstd, dw);
    else reference::rms_norm_dw(dy, x, rstd, dw);
  });
}

}  // namespace vlt::ops
