#pragma once
#include <cmath>
#include <span>
#include <vlt/cpu/eigen_gemm.hpp>
#include <vlt/ops/gemm.hpp>
#include <vlt/ops/norm.hpp>
#include <vlt/tensor/as_eigen.hpp>

namespace vlt::ops {

// The products and reductions of double precision, by Eigen. Who computes in double includes this header; others do not
// pay for reading Eigen. Sums are formed over expressions that have no address: so they begin with the first element,
// wherever a row lies, and round alike.
template <> struct DoublePrecision<double> {
  template <Device D> using View = Matrix<double, D>;

  template <Trans X, Device D, class E>
  static void gemm(Scope& s, Cost cost, View<D> a, View<D> b, View<D> c, const E& e) {
    Frame frame(s);
    const Index depth = X == Trans::tn ? a.rows : a.cols;
    const cpu::EigenProduct<D, double> product(c.rows, c.cols, depth, s.threads().count());
    std::byte* work = s.temp<Matrix<std::byte, D>>({1, product.bytes()}).data;
    s.run("gemm", cost, [&] {
      product.run(rows_of_product<X>(a), columns_of_product<X>(b), nullptr, s.threads(), work,
                  [&](Index row, Index col, double* sums, Index count) {
                    store(c, e, row, col, {sums, std::size_t(count)});
                  });
    });
  }

  template <Device D> static void rms_norm(View<D> x, View<D> w, View<D> y, View<D> rstd, double eps) {
    for (Index r = 0; r < x.rows; ++r) {
      rstd(r, 0) = 1 / std::sqrt(row(x, r).square().mean() + eps);
      for (Index c = 0; c < x.cols; ++c) y(r, c) = x(r, c) * rstd(r, 0) * w(0, c);
    }
  }
  template <Device D> static void rms_norm_dx(View<D> dy, View<D> x, View<D> w, View<D> rstd, View<D> dx, double beta) {
    for (Index r = 0; r < x.rows; ++r) {
      const double along = rstd(r, 0) * (row(dy, r) * row(w, 0) * row(x, r)).mean();
      for (Index c = 0; c < x.cols; ++c) {
        const double g = dy(r, c) * w(0, c) - x(r, c) * rstd(r, 0) * along;
        dx(r, c) = (beta != 0 ? dx(r, c) : 0) + rstd(r, 0) * g;
      }
    }
  }

  template <Device D>
  static void layer_norm(View<D> x, View<D> w, View<D> b, View<D> y, View<D> mean, View<D> rstd, double eps) {
    for (Index r = 0; r < x.rows; ++r) {
      mean(r, 0) = (1.0 * row(x, r)).mean();
      rstd(r, 0) = 1 / std::sqrt((row(x, r) - mean(r, 0)).square().mean() + eps);
      for (Index c = 0; c < x.cols; ++c) y(r, c) = (x(r, c) - mean(r, 0)) * rstd(r, 0) * w(0, c) + b(0, c);
    }
  }
  template <Device D>
  static void layer_norm_dx(View<D> dy, View<D> x, View<D> w, View<D> mean, View<D> rstd, View<D> dx, double beta) {
    for (Index r = 0; r < x.rows; ++r) {
      const auto g = row(dy, r) * row(w, 0);
      const double even = g.mean(), along = rstd(r, 0) * (g * (row(x, r) - mean(r, 0))).mean();
      for (Index c = 0; c < x.cols; ++c) {
        const double xhat = (x(r, c) - mean(r, 0)) * rstd(r, 0);
        dx(r, c) = (beta != 0 ? dx(r, c) : 0) + rstd(r, 0) * (dy(r, c) * w(0, c) - even - xhat * along);
      }
    }
  }

 private:
  template <Device D> static auto row(View<D> m, Index r) { return as_eigen(m).row(r).array(); }

  // A piece of a row of a product on its way into C = f(alpha sums + beta C + bias + residual).
  template <Device D, class E> static void store(View<D> c, const E& e, Index r, Index col, std::span<double> sums) {
    const Index count = Index(sums.size());
    const auto piece = [&](View<D> m, Index at) { return as_eigen(m).row(at).segment(col, count).array(); };
    Eigen::Map<Eigen::Array<double, 1, Eigen::Dynamic>, Eigen::Unaligned, RowStride<D>> v(sums.data(), 1, count,
                                                                                          RowStride<D>(count));
    v *= e.alpha;
    if (e.beta != 0) v += e.beta * piece(c, r);
    if (e.bias.rows) v += piece(e.bias, 0);
    if (e.residual.rows) v += piece(e.residual, r);
    if (e.activation != Activation::none)
      v = v.unaryExpr([f = e.activation](double x) { return reference::activate(f, x); });
    piece(c, r) = v;
  }
};

}  // namespace vlt::ops
