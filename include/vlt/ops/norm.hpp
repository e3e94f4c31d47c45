#pragma once
#include <cmath>
#include <vlt/ops/elementwise.hpp>

// x, y: (rows, width); weight, bias: (1, width); rstd, mean: (rows, 1) in accumulation precision.
namespace vlt::ops {

// y = x rstd w,  rstd = 1 / sqrt(mean(x^2) + eps)                        (Zhang, Sennrich 2019)
template <class X, class W, class Y, class A>
void rms_norm(Scope& s, CpuMatrix<X> x, CpuMatrix<W> w, CpuMatrix<Y> y, CpuMatrix<A> rstd, double eps) {
  s.run("rms_norm", element_cost(x, 4, 2), [&] {
    for (Index r = 0; r < x.rows; ++r) {
      A sum = 0;
      for (Index c = 0; c < x.cols; ++c) sum += A(x(r, c)) * A(x(r, c));
      rstd(r, 0) = 1 / std::sqrt(sum / A(x.cols) + A(eps));
      for (Index c = 0; c < x.cols; ++c) y(r, c) = Y(A(x(r, c)) * rstd(r, 0) * A(w(0, c)));
    }
  });
}
// dx = beta dx + rstd (g - xhat mean(g xhat)),  g = dy w,  xhat = x rstd
template <class G, class X, class W, class A>
void rms_norm_dx(Scope& s, CpuMatrix<G> dy, CpuMatrix<X> x, CpuMatrix<W> w, CpuMatrix<A> rstd, CpuMatrix<X> dx,
                 double beta) {
  s.run("rms_norm_dx", element_cost(x, 8, 3), [&] {
    for (Index r = 0; r < x.rows; ++r) {
      A dot = 0;
      for (Index c = 0; c < x.cols; ++c) dot += A(dy(r, c)) * A(w(0, c)) * A(x(r, c)) * rstd(r, 0);
      dot /= A(x.cols);
      for (Index c = 0; c < x.cols; ++c) {
        const A g = A(dy(r, c)) * A(w(0, c)) - A(x(r, c)) * rstd(r, 0) * dot;
        dx(r, c) = X((beta != 0 ? A(dx(r, c)) : A(0)) + rstd(r, 0) * g);
      }
    }
  });
}
template <class G, class X, class A, class D>
void rms_norm_dw(Scope& s, CpuMatrix<G> dy, CpuMatrix<X> x, CpuMatrix<A> rstd,
                 CpuMatrix<D> dw) {  // dw += sum_r dy xhat
  s.run("rms_norm_dw", element_cost(x, 3, 2),
        [&] { for_each_element(x, [&](Index r, Index c) { dw(0, c) += D(A(dy(r, c)) * A(x(r, c)) * rstd(r, 0)); }); });
}

// y = (x - mean) rstd w + b,  rstd = 1 / sqrt(var(x) + eps)              (Ba, Kiros, Hinton 2016)
template <class X, class W, class Y, class A>
void layer_norm(Scope& s, CpuMatrix<X> x, CpuMatrix<W> w, CpuMatrix<W> b, CpuMatrix<Y> y, CpuMatrix<A> mean,
                CpuMatrix<A> rstd, double eps) {
  s.run("layer_norm", element_cost(x, 6, 2), [&] {
    for (Index r = 0; r < x.rows; ++r) {
      A sum = 0, var = 0;
      for (Index c = 0; c < x.cols; ++c) sum += A(x(r, c));
      mean(r, 0) = sum / A(x.cols);
      for (Index c = 0; c < x.cols; ++c) var += (A(x(r, c)) - mean(r, 0)) * (A(x(r, c)) - mean(r, 0));
      rstd(r, 0) = 1 / std::sqrt(var / A(x.cols) + A(eps));
      for (Index c = 0; c < x.cols; ++c) y(r, c) = Y((A(x(r, c)) - mean(r, 0)) * rstd(r, 0) * A(w(0, c)) + A(b(0, c)));
    }
  });
}
// dx = beta dx + rstd (g - mean(g) - xhat mean(g xhat)),  g = dy w
template <class G, class X, class W, class A>
void layer_norm_dx(Scope& s, CpuMatrix<G> dy, CpuMatrix<X> x, CpuMatrix<W> w, CpuMatrix<A> mean, CpuMatrix<A> rstd,
                   CpuMatrix<X> dx, double beta) {
  s.run("layer_norm_dx", element_cost(x, 10, 3), [&] {
    for (Index r = 0; r < x.rows; ++r) {
      A dot = 0, sum = 0;
      for (Index c = 0; c < x.cols; ++c) {
        const A g = A(dy(r, c)) * A(w(0, c));
        sum += g;
        dot += g * (A(x(r, c)) - mean(r, 0)) * rstd(r, 0);
      }
      for (Index c = 0; c < x.cols; ++c) {
        const A xhat = (A(x(r, c)) - mean(r, 0)) * rstd(r, 0);
        const A g = A(dy(r, c)) * A(w(0, c)) - sum / A(x.cols) - xhat * dot / A(x.cols);
        dx(r, c) = X((beta != 0 ? A(dx(r, c)) : A(0)) + rstd(r, 0) * g);
      }
    }
  });
}
template <class G, class X, class A, class D>
void layer_norm_dw(Scope& s, CpuMatrix<G> dy, CpuMatrix<X> x, CpuMatrix<A> mean, CpuMatrix<A> rstd,
                   CpuMatrix<D> dw) {  // dw += sum_r dy xhat
  s.run("layer_norm_dw", element_cost(x, 4, 2), [&] {
    for_each_element(x, [&](Index r, Index c) { dw(0, c) += D(A(dy(r, c)) * (A(x(r, c)) - mean(r, 0)) * rstd(r, 0)); });
  });
}

}  // namespace vlt::ops
