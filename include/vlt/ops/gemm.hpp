#pragma once
#include <vlt/cpu/panels.hpp>
#include <vlt/ops/activation_functions.hpp>
#include <vlt/ops/elementwise.hpp>
#include <vlt/tensor/weight.hpp>

namespace vlt::ops {

// Which factors of a product are read transposed, as BLAS says it: A B, A B^T, A^T B. No layer needs both.
enum class Trans : std::uint8_t { nn, nt, tn };

// What happens to a product on its way into C:  C = f(alpha op(A) op(B) + beta C + bias + residual).
// Data, not a type: one GEMM body per (element types), whatever its epilogue. An empty view means "none".
template <class T, class C, Device D> struct Epilogue {
  double alpha = 1, beta = 0;       // beta 0 never reads C: it may hold NaN
  Matrix<accum_t<T>, D> bias = {};  // (1, n)
  Matrix<C, D> residual = {};       // (m, n), may be C itself
  Activation activation = Activation::none;
};

// The lanes of a matrix for a product: A's are the rows of C, B's its columns.
template <Trans X, Device D, class T> cpu::Source<T> rows_of_product(Matrix<T, D> a) {
  return X == Trans::tn ? cpu::Source<T>{a.data, 1, a.stride} : cpu::Source<T>{a.data, a.stride, 1};
}
template <Trans X, Device D, class T> cpu::Source<T> columns_of_product(Matrix<T, D> b) {
  return X == Trans::nt ? cpu::Source<T>{b.data, b.stride, 1} : cpu::Source<T>{b.data, 1, b.stride};
}

// The tiled product (cpu/gemm.hpp). Its name keeps the transposes, so that an object file shows which products it
// holds.
template <Trans X, Device D, class T, class C>
[[gnu::noinline]] void tiled_gemm(Matrix<T, D> a, const Weight<T, D>& b, Matrix<C, D> c, const Epilogue<T, C, D>& e,
                                  Threads& threads, std::byte* work) {
  cpu::Product<T, C> p{.m = c.rows, .n = c.cols, .k = X == Trans::tn ? a.rows : a.cols};
  p.a = rows_of_product<X>(a);
  const T* const panels = X == Trans::nt ? b.forward_panels : b.backward_panels;
  if (b.packed) p.panels = reinterpret_cast<const cpu::Packed<T>*>(panels);
  else p.b = columns_of_product<X>(static_cast<const Matrix<T, D>&>(b));
  p.store = {c.data, c.stride, float(e.alpha), float(e.beta)};
  p.store.activation = e.activation;
  if (e.bias.rows) p.store.bias = e.bias.data;
  if (e.residual.rows) p.store.residual = e.residual.data, p.store.residual_stride = e.residual.stride;
  cpu::multiply<D>(p, threads, work);
}

// A product with a weight, in whatever layout it lives. A and B are operands, of one type (convert another with
// ops::as); C is an operand, a stream or a gradient. Accumulated in accum_t<C>; a 16-bit C is rounded once. Needs work
// memory per thread.
template <Trans X, Device D, class T, class C>
void gemm(Scope& s, Matrix<T, D> a, Weight<T, D> b, Matrix<C, D> c, Epilogue<T, C, D> e = {}) {
  const Index depth = X == Trans::tn ? a.rows : a.cols;
  const double m = double(c.rows), n = double(c.cols), k = double(depth);
  const Cost cost{2 * m * n * k, sizeof(T) * (m * k + k * n) + sizeof(C) * m * n * (e.beta != 0 ? 2 : 1)};
  if constexpr (!in_registers<T>) {
    DoublePrecision<T>::template gemm<X>(s, cost, a, static_cast<Matrix<T, D>>(b), c, e);
  } else {
    Frame frame(s);
    const Index bytes = cpu::work_bytes<D, T>(c.rows, c.cols, depth, s.threads().count());
    std::byte* work = s.temp<Matrix<std::byte, D>>({1, bytes}).data;
    s.run("gemm", cost, [&] { tiled_gemm<X>(a, b, c, e, s.threads(), work); });
  }
}

template <Trans X, Device D, class T, class C>
void gemm(Scope& s, Matrix<T, D> a, Matrix<T, D> b, Matrix<C, D> c, Epilogue<T, C, D> e = {}) {
  gemm<X>(s, a, Weight<T, D>{b}, c, e);
}

}  // namespace vlt::ops
