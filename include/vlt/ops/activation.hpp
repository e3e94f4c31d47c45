#pragma once
#include <vlt/ops/activation_functions.hpp>
#include <vlt/ops/elementwise.hpp>

namespace vlt::ops {

namespace reference {
template <Device D, class T> void swiglu(Matrix<T, D> gate, Matrix<T, D> up, Matrix<T, D> y) {
  using A = accum_t<T>;
  for_each_element(y, [&](Index r, Index c) { y(r, c) = T(A(gate(r, c)) * sigmoid(A(gate(r, c))) * A(up(r, c))); });
}
template <Device D, class T>
void swiglu_backward(Matrix<T, D> dy, Matrix<T, D> gate, Matrix<T, D> up, Matrix<T, D> dgate, Matrix<T, D> dup) {
  using A = accum_t<T>;
  for_each_element(dy, [&](Index r, Index c) {
    const A z = A(gate(r, c)), sig = sigmoid(z), g = A(dy(r, c)), u = A(up(r, c));
    dup(r, c) = T(g * z * sig);
    dgate(r, c) = T(g * u * sig * (1 + z * (1 - sig)));
  });
}
template <Device D, class T> void activation(Activation f, Matrix<T, D> x, Matrix<T, D> y) {
  for_each_element(y, [&](Index r, Index c) { y(r, c) = T(activate(f, accum_t<T>(x(r, c)))); });
}
template <Device D, class T>
void activation_backward(Activation f, Matrix<T, D> dy, Matrix<T, D> x, Matrix<T, D> dx, double beta) {
  using A = accum_t<T>;
  for_each_element(x, [&](Index r, Index c) {
    dx(r, c) = T((beta != 0 ? A(dx(r, c)) : A(0)) + A(dy(r, c)) * activate_derivative(f, A(x(r, c))));
  });
}
}  // namespace reference

namespace wide {
template <Device D, class T> void swiglu(Threads& t, Matrix<T, D> gate, Matrix<T, D> up, Matrix<T, D> y) {
  for_each_register<D>(t, y, [&](Index r, Index c, auto n) {
    const auto z = read<D>(gate, r, c, n);
    write<D>(y, r, c, z * cpu::sigmoid<D>(z) * read<D>(up, r, c, n), n);
  });
}
template <Device D, class T>
void swiglu_backward(Threads& t, Matrix<T, D> dy, Matrix<T, D> gate, Matrix<T, D> up, Matrix<T, D> dgate,
                     Matrix<T, D> dup) {
  for_each_register<D>(t, dy, [&](Index r, Index c, auto n) {
    const auto z = read<D>(gate, r, c, n), s = cpu::sigmoid<D>(z), g = read<D>(dy, r, c, n), u = read<D>(up, r, c, n);
    write<D>(dup, r, c, g * z * s, n);
    write<D>(dgate, r, c, g * u * s * (1.0f + z * (1.0f - s)), n);
  });
}
template <Device D, class T> void activation(Threads& t, Activation f, Matrix<T, D> x, Matrix<T, D> y) {
  for_each_register<D>(
      t, y, [&](Index r, Index c, auto n) { write<D>(y, r, c, cpu::activate<D>(f, read<D>(x, r, c, n)), n); });
}
template <Device D, class T>
void activation_backward(Threads& t, Activation f, Matrix<T, D> dy, Matrix<T, D> x, Matrix<T, D> dx, double beta) {
  for_each_register<D>(t, x, [&](Index r, Index c, auto n) {
    auto g = read<D>(dy, r, c, n) * cpu::activate_derivative<D>(f, read<D>(x, r, c, n));
    if (beta != 0) g += read<D>(dx, r, c, n);
    write<D>(dx, r, c, g, n);
  });
}
}  // namespace wide

// y = silu(gate) up, silu(z) = z sigmoid(z)                              (Shazeer 2020)
template <Device D, class T> void swiglu(Scope& s, Matrix<T, D> gate, Matrix<T, D> up, Matrix<T, D> y) {
  s.run("swiglu", element_cost(y, 6, 3), [&] {
    if constexpr (in_registers<T>) wide::swiglu<D>(s.threads(), gate, up, y);
    else reference::swiglu(gate, up, y);
  });
}
// dgate = dy up silu'(gate),  dup = dy silu(gate),  silu'(z) = s (1 + z (1 - s)), s = sigmoid(z)
template <Device D, class T>
void swiglu_backward(Scope& s, Matrix<T, D> dy, Matrix<T, D> gate, Matrix<T, D> up, Matrix<T, D> dgate,
                     Matrix<T, D> dup) {
  s.run("swiglu_backward", element_cost(dy, 10, 5), [&] {
    if constexpr (in_registers<T>) wide::swiglu_backward<D>(s.threads(), dy, gate, up, dgate, dup);
    else reference::swiglu_backward(dy, gate, up, dgate, dup);
  });
}

// y = f(x)
template <Device D, class T> void activation(Scope& s, Activation f, Matrix<T, D> x, Matrix<T, D> y) {
  s.run("activation", element_cost(y, 8, 2), [&] {
    if constexpr (in_registers<T>) wide::activation<D>(s.threads(), f, x, y);
    else reference::activation(f, x, y);
  });
}
// dx = beta dx + dy f'(x); dx may be dy
template <Device D, class T>
void activation_backward(Scope& s, Activation f, Matrix<T, D> dy, Matrix<T, D> x, Matrix<T, D> dx, double beta) {
  s.run("activation_backward", element_cost(x, 12, 3), [&] {
    if constexpr (in_registers<T>) wide::activation_backward<D>(s.threads(), f, dy, x, dx, beta);
    else reference::activation_backward(f, dy, x, dx, beta);
  });
}

}  // namespace vlt::ops
