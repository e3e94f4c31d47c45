#pragma once
#include <cmath>
#include <vlt/base/activation.hpp>
#include <vlt/cpu/simd.hpp>

// Functions of whole registers, in single precision; relative errors are a few units of the last place.
namespace vlt::cpu {

// 2^x: the nearest integer goes to the exponent, a polynomial of degree 6 does the rest (its own error: 2e-9).
// Below -126 the result is 0: a masked score has no weight. Above 127.5 it stays at the largest power.
template <Device D> [[gnu::always_inline]] inline Floats<D> exp2(Floats<D> x) {
  constexpr float c[] = {
      1.0f, 0.6931472057f, 0.2402264689f, 0.05550328776f, 0.009618488976f, 0.001339993157f, 0.0001534580784f};
  constexpr float round_here = 12582912;  // 1.5 * 2^23: adding it leaves the integer in the low bits
  const Floats<D> bounded = smaller<D>(larger<D>(x, broadcast<D>(-126)), broadcast<D>(127));
  const Floats<D> shifted = bounded + round_here, r = bounded - (shifted - round_here);
  const Floats<D> p = ((((((c[6] * r + c[5]) * r + c[4]) * r + c[3]) * r + c[2]) * r + c[1]) * r + c[0]);
  const auto exponent = same_bits<Words<D>>(shifted) << 23;
  const auto y = same_bits<Floats<D>>(Words<D>(same_bits<Words<D>>(p) + exponent));
  const Floats<D> kept = x >= -126.0f ? y : Floats<D>{};
  return x == x ? kept : x;
}
template <Device D> [[gnu::always_inline]] inline Floats<D> exp(Floats<D> x) { return exp2<D>(x * 1.44269504f); }

template <Device D> [[gnu::always_inline]] inline Floats<D> sigmoid(Floats<D> x) { return 1.0f / (1.0f + exp<D>(-x)); }
template <Device D> [[gnu::always_inline]] inline Floats<D> tanh(Floats<D> x) {
  return 2.0f * sigmoid<D>(2.0f * x) - 1.0f;
}

// The integral of the normal density up to x: 1 - (a1 t + ... + a5 t^5) e^(-x^2/2) / 2, t = 1 / (1 + p |x| / sqrt 2);
// absolute error 8e-8 (Abramowitz and Stegun 7.1.26).
template <Device D> [[gnu::always_inline]] inline Floats<D> normal_below(Floats<D> x) {
  const Floats<D> size = larger<D>(x, -x) * 0.70710678f, t = 1.0f / (1.0f + 0.3275911f * size);
  const Floats<D> tail =
      t * (0.254829592f + t * (-0.284496736f + t * (1.421413741f + t * (-1.453152027f + t * 1.061405429f))));
  const Floats<D> upper = 0.5f * tail * exp<D>(-size * size);
  return x > 0.0f ? 1.0f - upper : upper;
}

template <Device D> [[gnu::always_inline]] inline Floats<D> activate(Activation f, Floats<D> x) {
  switch (f) {
    case Activation::gelu:
      return x * normal_below<D>(x);
    case Activation::gelu_tanh:
      return x * sigmoid<D>(1.5957691216f * (x + 0.044715f * x * x * x));
    case Activation::quick_gelu:
      return x * sigmoid<D>(1.702f * x);
    case Activation::none:
      break;
  }
  return x;
}
template <Device D> [[gnu::always_inline]] inline Floats<D> activate_derivative(Activation f, Floats<D> x) {
  switch (f) {
    case Activation::gelu:
      return normal_below<D>(x) + x * 0.39894228f * exp<D>(-0.5f * x * x);
    case Activation::gelu_tanh: {
      const Floats<D> s = sigmoid<D>(1.5957691216f * (x + 0.044715f * x * x * x));
      return s + x * s * (1.0f - s) * 1.5957691216f * (1.0f + 0.134145f * x * x);
    }
    case Activation::quick_gelu: {
      const Floats<D> s = sigmoid<D>(1.702f * x);
      return s * (1.0f + 1.702f * x * (1.0f - s));
    }
    case Activation::none:
      break;
  }
  return broadcast<D>(1);
}

}  // namespace vlt::cpu
