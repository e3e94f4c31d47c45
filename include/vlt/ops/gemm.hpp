#pragma once
#include <vlt/cpu/panels.hpp>
#include <vlt/ops/activation_functions.hpp>
#include <vlt/ops/elementwise.hpp>
#include <vlt/tensor/weight.hpp>

namespace vlt::ops {

enum class Trans : bool { no, yes };

// What happens to a product on its way into C:  C = f(alpha op(A) op(B) + beta C + bias + residual).
// Data, not a type: one GEMM body per (element types), whatever its epilogue. An empty view means "none".
template <class TB, class TC> struct Epilogue {
  double alpha = 1, beta = 0;   // beta 0 never reads C: it may hold NaN
  CpuMatrix<TB> bias = {};      // (1, n)
  CpuMatrix<TC> residual = {};  // (m, n), may be C itself
  Activation activation = Activation::none;
};

namespace reference {
template <Trans TA, Trans TB, class T, class C>
[[gnu::noinline]] void gemm(CpuMatrix<T> a, CpuMatrix<T> b, CpuMatrix<C> c, const Epilogue<T, C>& e) {
  using Acc = accum_t<C>;
  const Index k = TA == Trans::no ? a.cols : a.rows;
  for (Index i = 0; i < c.rows; ++i)
    for (Index j = 0; j < c.cols; ++j) {
      Acc sum = 0;
      for (Index p = 0; p < k; ++p)
        sum += Acc(TA == Trans::no ? a(i, p) : a(p, i)) * Acc(TB == Trans::no ? b(p, j) : b(j, p));
      sum *= Acc(e.alpha);
      if (e.beta != 0) sum += Acc(e.beta) * Acc(c(i, j));
      if (e.bias.rows) sum += Acc(e.bias(0, j));
      if (e.residual.rows) sum += Acc(e.residual(i, j));
      c(i, j) = C(reference::activate(e.activation, sum));
    }
}
}  // namespace reference

// The lanes of a matrix for a product: A's are the rows of C, B's its columns.
template <Trans T, class X> cpu::Source<X> rows_of_product(CpuMatrix<X> a) {
  return T == Trans::no ? cpu::Source<X>{a.data, a.stride, 1} : cpu::Source<X>{a.data, 1, a.stride};
}
template <Trans T, class X> cpu::Source<X> columns_of_product(CpuMatrix<X> b) {
  return T == Trans::no ? cpu::Source<X>{b.data, 1, b.stride} : cpu::Source<X>{b.data, b.stride, 1};
}

// The tiled product (cpu/gemm.hpp). Its name keeps the transposes, so that an object file shows which products it
// holds.
template <Trans TA, Trans TB, class T, class C>
[[gnu::noinline]] void tiled_gemm(CpuMatrix<T> a, const Weight<T, Device::cpu>& b, CpuMatrix<C> c,
                                  const Epilogue<T, C>& e, Threads& threads, std::byte* work) {
  cpu::Product<T, C> p{.m = c.rows, .n = c.cols, .k = TA == Trans::no ? a.cols : a.rows};
  p.a = rows_of_product<TA>(a);
  if (b.packed) p.panels = static_cast<const cpu::Unit*>(TB == Trans::yes ? b.forward_panels : b.backward_panels);
  else p.b = columns_of_product<TB>(static_cast<const CpuMatrix<T>&>(b));
  p.store = {c.data, c.stride, float(e.alpha), float(e.beta)};
  p.store.activation = e.activation;
  if (e.bias.rows) p.store.bias = e.bias.data;
  if (e.residual.rows) p.store.residual = e.residual.data, p.store.residual_stride = e.residual.stride;
  cpu::multiply<Device::cpu>(p, threads, work);
}

// A product with a weight, in whatever layout it lives. A and B are operands, of one type (convert another with
// ops::as); C is an operand, a stream or a gradient. Accumulated in accum_t<C>; a 16-bit C is rounded once. Needs work
// memory per thread.
template <Trans TA, Trans TB, class T, class C>
void gemm(Scope& s, CpuMatrix<T> a, Weight<T, Device::cpu> b, CpuMatrix<C> c, Epilogue<T, C> e = {}) {
  const Index depth = TA == Trans::no ? a.cols : a.rows;
  const double m = double(c.rows), n = double(c.cols), k = double(depth);
  const Cost cost{2 * m * n * k, sizeof(T) * (m * k + k * n) + sizeof(C) * m * n * (e.beta != 0 ? 2 : 1)};
  if constexpr (std::is_same_v<T, double>) {
    s.run("gemm", cost, [&] { reference::gemm<TA, TB>(a, static_cast<CpuMatrix<T>>(b), c, e); });
  } else {
    Frame frame(s);
    const Index bytes = cpu::work_bytes<Device::cpu, T>(c.rows, c.cols, depth, s.threads().count());
    std::byte* work = s.temp<CpuMatrix<std::byte>>({1, bytes}).data;
    s.run("gemm", cost, [&] { tiled_gemm<TA, TB>(a, b, c, e, s.threads(), work); });
  }
}

template <Trans TA, Trans TB, class T, class C>
void gemm(Scope& s, CpuMatrix<T> a, CpuMatrix<T> b, CpuMatrix<C> c, Epilogue<T, C> e = {}) {
  gemm<TA, TB>(s, a, Weight<T, Device::cpu>{b}, c, e);
}

}  // namespace vlt::ops
