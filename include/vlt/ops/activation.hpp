#pragma once
#include <vlt/ops/activation_functions.hpp>
#include <vlt/ops/elementwise.hpp>

namespace vlt::ops {

// y = silu(gate) up, silu(z) = z sigmoid(z)                              (Shazeer 2020)
template <class T> void swiglu(Scope& s, CpuMatrix<T> gate, CpuMatrix<T> up, CpuMatrix<T> y) {
  using A = accum_t<T>;
  s.run("swiglu", element_cost(y, 6, 3), [&] {
    for_each_element(
        y, [&](Index r, Index c) { y(r, c) = T(A(gate(r, c)) * reference::sigmoid(A(gate(r, c))) * A(up(r, c))); });
  });
}
// dgate = dy up silu'(gate),  dup = dy silu(gate),  silu'(z) = s (1 + z (1 - s)), s = sigmoid(z)
template <class T>
void swiglu_backward(Scope& s, CpuMatrix<T> dy, CpuMatrix<T> gate, CpuMatrix<T> up, CpuMatrix<T> dgate,
                     CpuMatrix<T> dup) {
  using A = accum_t<T>;
  s.run("swiglu_backward", element_cost(dy, 10, 5), [&] {
    for_each_element(dy, [&](Index r, Index c) {
      const A z = A(gate(r, c)), sig = reference::sigmoid(z), g = A(dy(r, c)), u = A(up(r, c));
      dup(r, c) = T(g * z * sig);
      dgate(r, c) = T(g * u * sig * (1 + z * (1 - sig)));
    });
  });
}

template <class T> void activation(Scope& s, Activation f, CpuMatrix<T> x, CpuMatrix<T> y) {
  using A = accum_t<T>;
  s.run("activation", element_cost(y, 8, 2),
        [&] { for_each_element(y, [&](Index r, Index c) { y(r, c) = T(reference::activate(f, A(x(r, c)))); }); });
}
template <class T>
void activation_backward(Scope& s, Activation f, CpuMatrix<T> dy, CpuMatrix<T> x, CpuMatrix<T> dx, double beta) {
  using A = accum_t<T>;
  s.run("activation_backward", element_cost(x, 12, 3), [&] {
    for_each_element(x, [&](Index r, Index c) {
      dx(r, c) = T((beta != 0 ? A(dx(r, c)) : A(0)) + A(dy(r, c)) * reference::activate_derivative(f, A(x(r, c))));
    });
  });
}

}  // namespace vlt::ops
