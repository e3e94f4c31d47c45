#pragma once
#include <cmath>
#include <vlt/base/activation.hpp>
#include <vlt/simt/platform.hpp>

// Functions of numbers, the same on the device and under emulation but for the last bits.
namespace vlt::simt {

#if VLT_ON_DEVICE
#define VLT_MATH(call) ::call
#else
#define VLT_MATH(call) std::call
#endif
VLT_SIMT float exp(float x) { return VLT_MATH(exp)(x); }
VLT_SIMT float log(float x) { return VLT_MATH(log)(x); }
VLT_SIMT float tanh(float x) { return VLT_MATH(tanh)(x); }
VLT_SIMT float erf(float x) { return VLT_MATH(erf)(x); }
VLT_SIMT float square_root(float x) { return VLT_MATH(sqrt)(x); }
VLT_SIMT float larger(float a, float b) { return VLT_MATH(fmax)(a, b); }
VLT_SIMT double nearest(double x) { return VLT_MATH(rint)(x); }
#undef VLT_MATH

// 2^x by the device's own approximation: relative error below 2^-22, results below 2^-126 are zero.
VLT_SIMT float exp2_approximate(float x) {
#if VLT_ON_DEVICE
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
#else
  return std::exp2(x);
#endif
}
VLT_SIMT constexpr float infinity() { return __builtin_huge_valf(); }
VLT_SIMT bool is_finite(float x) { return x - x == 0; }

VLT_SIMT float sigmoid(float x) { return 1 / (1 + exp(-x)); }

// The nonlinear functions of base/activation.hpp and their derivatives; formulas: ops/activation_functions.hpp.
VLT_SIMT float activate(Activation f, float x) {
  if (f == Activation::gelu) return 0.5f * x * (1 + erf(x * 0.70710678f));
  if (f == Activation::gelu_tanh) return 0.5f * x * (1 + tanh(0.79788456f * (x + 0.044715f * x * x * x)));
  if (f == Activation::quick_gelu) return x * sigmoid(1.702f * x);
  return x;
}
VLT_SIMT float activate_derivative(Activation f, float x) {
  if (f == Activation::gelu) return 0.5f * (1 + erf(x * 0.70710678f)) + x * 0.39894228f * exp(-0.5f * x * x);
  if (f == Activation::gelu_tanh) {
    const float t = tanh(0.79788456f * (x + 0.044715f * x * x * x));
    return 0.5f * (1 + t) + 0.5f * x * (1 - t * t) * 0.79788456f * (1 + 0.134145f * x * x);
  }
  if (f == Activation::quick_gelu) {
    const float s = sigmoid(1.702f * x);
    return s * (1 + 1.702f * x * (1 - s));
  }
  return 1;
}

}  // namespace vlt::simt
