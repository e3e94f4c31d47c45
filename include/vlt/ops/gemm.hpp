#pragma once
#include <vlt/ops/elementwise.hpp>
#include <vlt/tensor/weight.hpp>

namespace vlt::ops {

enum class Trans : bool { no, yes };

// What happens to a product on its way into C:  C = alpha op(A) op(B) + bias + residual + beta C.
// Data, not a type: one GEMM body per (transposes, element types), whatever its epilogue. An empty view means "none".
template <class TB, class TC> struct Epilogue {
  double alpha = 1, beta = 0;
  CpuMatrix<TB> bias = {};      // (1, n)
  CpuMatrix<TC> residual = {};  // (m, n)
};

namespace reference {
template <Trans TA, Trans TB, class A, class B, class C>
[[gnu::noinline]] void gemm(CpuMatrix<A> a, CpuMatrix<B> b, CpuMatrix<C> c, Epilogue<B, C> e) {
  using Acc = accum_t<C>;
  const Index k = TA == Trans::no ? a.cols : a.rows;
  for (Index i = 0; i < c.rows; ++i)
    for (Index j = 0; j < c.cols; ++j) {
      Acc sum = 0;
      for (Index p = 0; p < k; ++p)
        sum += Acc(TA == Trans::no ? a(i, p) : a(p, i)) * Acc(TB == Trans::no ? b(p, j) : b(j, p));
      sum *= Acc(e.alpha);
      if (e.bias.rows) sum += Acc(e.bias(0, j));
      if (e.residual.rows) sum += Acc(e.residual(i, j));
      if (e.beta != 0) sum += Acc(e.beta) * Acc(c(i, j));  // beta 0 never reads C: it may hold NaN
      c(i, j) = C(sum);
    }
}
}  // namespace reference

// A and B are operands (one type); C is an operand, a stream or a gradient. Accumulated in accum_t<C>.
template <Trans TA, Trans TB, class A, class B, class C>
void gemm(Scope& s, CpuMatrix<A> a, CpuMatrix<B> b, CpuMatrix<C> c, Epilogue<B, C> e = {}) {
  static_assert(std::is_same_v<A, B>, "vlt: gemm reads two operands of one type; convert the other one with ops::as");
  const double m = double(c.rows), n = double(c.cols), k = double(TA == Trans::no ? a.cols : a.rows);
  const Cost cost{2 * m * n * k, sizeof(A) * (m * k + k * n) + sizeof(C) * m * n * (e.beta != 0 ? 2 : 1)};
  s.run("gemm", cost, [&] { reference::gemm<TA, TB>(a, b, c, e); });
}

#ifdef VLT_PANELS
// The same contract for a packed weight. A 16-bit C needs a float product first: until a kernel rounds its own tile.
template <Trans TB, class C>
void gemm_packed(Scope& s, CpuMatrix<bf16> a, Weight<bf16, Device::cpu> w, CpuMatrix<C> c, Epilogue<bf16, C> e) {
  Frame frame(s);
  const auto product = s.temp<CpuMatrix<float>>(c.shape());
  const Cost cost{2.0 * double(c.size()) * double(a.cols),
                  2.0 * double(a.size() + w.size()) + sizeof(C) * double(c.size()) * (e.beta != 0 ? 2 : 1)};
  s.run("gemm", cost, [&] {
    cpu::gemm(c.rows, c.cols, a.cols, a.data, a.stride, TB == Trans::yes ? w.forward_panels : w.backward_panels,
              product.data, product.stride);
    for_each_element(c, [&](Index r, Index j) {
      float sum = product(r, j) * float(e.alpha);
      if (e.bias.rows) sum += float(e.bias(0, j));
      if (e.residual.rows) sum += float(e.residual(r, j));
      if (e.beta != 0) sum += float(e.beta) * float(c(r, j));
      c(r, j) = C(sum);
    });
  });
}
#endif

// A product with a weight, in whatever layout it lives.
template <Trans TA, Trans TB, class A, class B, class C>
void gemm(Scope& s, CpuMatrix<A> a, Weight<B, Device::cpu> w, CpuMatrix<C> c, Epilogue<B, C> e = {}) {
#ifdef VLT_PANELS
  if constexpr (std::is_same_v<B, bf16> && TA == Trans::no)
    if (w.packed) return gemm_packed<TB>(s, a, w, c, e);
#endif
  gemm<TA, TB>(s, a, static_cast<CpuMatrix<B>>(w), c, e);
}

}  // namespace vlt::ops
