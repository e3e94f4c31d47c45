#pragma once
#include <cmath>
#include <vlt/cpu/functions.hpp>

// The nonlinear functions as formulas, for any scalar: what the vectorised ones are compared with.
namespace vlt::ops::reference {

template <class A> A sigmoid(A x) { return 1 / (1 + std::exp(-x)); }

// gelu: x Phi(x);  gelu_tanh: its approximation by tanh (Hendrycks, Gimpel 2016);  quick_gelu: x sigmoid(1.702 x).
template <class A> A activate(Activation f, A x) {
  switch (f) {
    case Activation::gelu:
      return A(0.5) * x * (1 + std::erf(x * A(0.7071067811865476)));
    case Activation::gelu_tanh:
      return A(0.5) * x * (1 + std::tanh(A(0.7978845608028654) * (x + A(0.044715) * x * x * x)));
    case Activation::quick_gelu:
      return x * sigmoid(A(1.702) * x);
    case Activation::none:
      break;
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
      const A s = sigmoid(A(1.702) * x);
      return s * (1 + A(1.702) * x * (1 - s));
    }
    case Activation::none:
      break;
  }
  return 1;
}

}  // namespace vlt::ops::reference
