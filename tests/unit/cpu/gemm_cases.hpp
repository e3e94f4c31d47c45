#pragma once
#include <catch2/catch.hpp>
#include <vlt/cpu/eigen_gemm.hpp>
#include <vlt/cpu/panels.hpp>
#include <vlt/tensor/as_eigen.hpp>
#include "isa.hpp"
#include "random_matrix.hpp"
#include "work_memory.hpp"

// One product C (m, n) = f(alpha A (m, k) B (k, n) + beta C + bias + residual), stored and written as told.
struct GemmCase {
  vlt::Index m, n, k;
  bool a_transposed, b_transposed, panels;
  double alpha = 1, beta = 0;
  bool bias = false, residual = false;
  vlt::Activation activation = vlt::Activation::none;
  int threads = 1;
};

// A matrix, or its transpose, as a value of Eigen.
inline Eigen::MatrixXd oriented(const vlt::Matrix<double, vlt::Device::cpu>& m, bool transposed) {
  if (transposed) return as_eigen(m).transpose();
  return as_eigen(m);
}

// The largest error, in units of what rounding may cost; what is right says Eigen, in double.
template <vlt::Device D, class T, class C> double gemm_error(const GemmCase& g) {
  using namespace vlt;
  Twin<T> a(g.a_transposed ? g.k : g.m, g.a_transposed ? g.m : g.k),
      b(g.b_transposed ? g.n : g.k, g.b_transposed ? g.k : g.n);
  Twin<float> bias(1, g.n);
  Twin<C> c(g.m, g.n), residual(g.m, g.n);
  cpu::Product<T, C> p{.m = g.m, .n = g.n, .k = g.k};
  p.a = {a.m.data, g.a_transposed ? 1 : a.m.stride, g.a_transposed ? a.m.stride : 1};
  p.b = {b.m.data, g.b_transposed ? b.m.stride : 1, g.b_transposed ? 1 : b.m.stride};
  WorkMemory packed(cpu::panel_bytes<T, D>(g.n, g.k));
  if (g.panels) {
    const auto w = borrow_host<Matrix<const T, D>>(b.m.data, b.m.rows, b.m.cols, b.m.stride);
    T* const to = reinterpret_cast<T*>(packed.data());
    if (g.b_transposed) cpu::pack_forward<T, D>(w, to, 0, w.rows);
    else cpu::pack_backward<T, D>(w, to, 0, w.rows);
    p.panels = reinterpret_cast<const cpu::Packed<T>*>(to), p.b = {};
  }
  p.store = {c.m.data, c.m.stride, float(g.alpha), float(g.beta)};
  p.store.activation = g.activation;
  if (g.bias) p.store.bias = bias.m.data;
  if (g.residual) p.store.residual = residual.m.data, p.store.residual_stride = residual.m.stride;

  const Eigen::MatrixXd left = oriented(a.d, g.a_transposed), right = oriented(b.d, g.b_transposed);
  auto want = as_eigen(c.d);
  want = (g.alpha * left * right + g.beta * want).eval();
  if (g.bias) want.rowwise() += as_eigen(bias.d).row(0);
  if (g.residual) want += as_eigen(residual.d);
  double largest = 4;
  if (g.k > 0) largest = std::max(largest, (left.cwiseAbs() * right.cwiseAbs()).maxCoeff());
  if (g.activation != Activation::none) want = want.array() / (1 + (-1.702 * want.array()).exp());
  for (Index i = 0; g.beta == 0 && i < g.m; ++i)
    for (Index j = 0; j < g.n; ++j) c.m(i, j) = C(NAN);  // must not be read
  Threads threads(g.threads);
  WorkMemory work(cpu::work_bytes<D, T>(g.m, g.n, g.k, g.threads));
  cpu::multiply<D>(p, threads, work.data());
  if (!work.guard_intact() || !packed.guard_intact()) return 1e9;
  return c.off(2e-6 * largest, sizeof(C) == 2 ? 1.024 * unit<C> : 1e-6);
}

// Sizes off the tile in every direction, all layouts, all parts of the epilogue, one to three threads.
template <class T, class C> void check_gemm() {
  using vlt::Activation;
  for_each_isa([]<vlt::Device D>() {
    int turn = 0;
    for (vlt::Index m : {1, 13, 33, 50})
      for (vlt::Index n : {1, 31, 70, 97})
        for (vlt::Index k : {0, 1, 7, 33, 515, 1700})
          for (bool panels : {false, true}) {
            const int t = turn++ * 5 + 3;
            GemmCase g{m, n, k, (t & 1) != 0, (t & 2) != 0, panels};
            if (t & 4) g.alpha = 0.5;
            if (t & 8) g.beta = 0.75;
            g.bias = t & 16, g.residual = t & 32, g.threads = 1 + t % 3;
            if (t & 64) g.activation = Activation::quick_gelu;
            CAPTURE(name_of(D), m, n, k, panels, t);
            CHECK(gemm_error<D, T, C>(g) < 1);
          }
    // several chunks of rows and groups of panels
    CHECK(gemm_error<D, T, C>({700, 97, 1700, false, true, false, 1, 1}) < 1);
    CHECK(gemm_error<D, T, C>({900, 400, 900, true, false, false, 1, 0, true, false, Activation::none, 2}) < 1);
  });
}
