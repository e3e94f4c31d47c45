#pragma once
#include <cmath>
#include <vlt/ops/elementwise.hpp>

namespace vlt {

enum class Activation : std::uint8_t { gelu, gelu_tanh, quick_gelu };

}  // namespace vlt

namespace vlt::ops {

template <class A> A sigmoid(A x) { return 1 / (1 + std::exp(-x)); }

// y = silu(gate) up, silu(z) = z sigmoid(z)                              (Shazeer 2020)
template <class T> void swiglu(Scope& s, CpuMatrix<T> gate, CpuMatrix<T> up, CpuMatrix<T> y) {
  using A = accum_t<T>;
  s.run("swiglu", element_cost(y, 6, 3), [&] {
    for_each_element(y, [&](Index r, Index c) { y(r, c) = T(A(gate(r, c)) * sigmoid(A(gate(r, c))) * A(up(r, c))); });
  });
}
// dgate = dy up silu'(gate),  dup = dy silu(gate),  silu'(z) = s (1 + z (1 - s)), s = sigmoid(z)
template <class T>
void swiglu_backward(Scope& s, CpuMatrix<T> dy, CpuMatrix<T> gate, CpuMatrix<T> up, CpuMatrix<T> dgate,
                     CpuMatrix<T> dup) {
  using A = accum_t<T>;
  s.run("swiglu_backward", element_cost(dy, 10, 5), [&] {
    for_each_element(dy, [&](Index r, Index c) {
      const A z = A(gate(r, c)), sig = sigmoid(z), g = A(dy(r, c)), u = A(up(r, c));
      dup(r, c) = T(g * z * sig);
      dgate(r, c) = T(g * u * sig * (1 + z * (1 - sig)));
    });
  });
}

template <class A> A activate(Activation f, A x) {
  switch (f) {
    case Activation::gelu:
      return A(0.5) * x * (1 + std::erf(x * A(0.7071067811865476)));
    case Activation::gelu_tanh:
      return A(0.5) * x * (1 + std::tanh(A(0.7978845608028654) * (x + A(0.044715) * x * x * x)));
    case Activation::quick_gelu:
      return x * sigmoid(A(1.702) * x);
  }
  return x;
}
template <class A> A activate_derivative(Activation f, A x) {
  switch (f) {
    case Activation::gelu:
      return A(0.5) * (1 + std::erf(x * A(0.7071067811865476))) + x * A(0.3989422804014327) * std::exp(-x * x / 2);
    case Activation::gelu_tanh: {
      const A t = std::tanh(A(0.7978845608028654) * (x + A(0.044715) * x * x * x));
      return A(0.5) * (1 + t) + A(0.5) * x * (1 - t * t) * A(0.7978845608028654) * (1 + A(3 * 0.044715) * x * x);
    }
    case Activation::quick_gelu: {
      const A sig = sigmoid(A(1.702) * x);
      return sig * (1 + A(1.702) * x * (1 - sig));
    }
  }
  return 1;
}
template <class T> void activation(Scope& s, Activation f, CpuMatrix<T> x, CpuMatrix<T> y) {
  using A = accum_t<T>;
  s.run("activation", element_cost(y, 8, 2),
        [&] { for_each_element(y, [&](Index r, Index c) { y(r, c) = T(activate(f, A(x(r, c)))); }); });
}
template <class T>
void activation_backward(Scope& s, Activation f, CpuMatrix<T> dy, CpuMatrix<T> x, CpuMatrix<T> dx, double beta) {
  using A = accum_t<T>;
  s.run("activation_backward", element_cost(x, 12, 3), [&] {
    for_each_element(x, [&](Index r, Index c) {
      dx(r, c) = T((beta != 0 ? A(dx(r, c)) : A(0)) + A(dy(r, c)) * activate_derivative(f, A(x(r, c))));
    });
  });
}

}  // namespace vlt::ops
