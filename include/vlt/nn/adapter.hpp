#pragma once
#include <cmath>
#include <vlt/nn/layer.hpp>
#include <vlt/ops/gemm.hpp>

namespace vlt {

// A rank-r update of a linear layer (Hu et al. 2021):  y += (alpha / r) (x A^T) B^T.  Rank 0: there is none.
template <IsPolicy P> struct Adapter {
  using operand = Matrix<typename P::operand, P::device>;
  struct saved {
    operand xa;  // (tokens, r)
  };

  param_t<typename P::trainable> a, b;  // (r, in), (out, r)
  double scale = 0;
  static constexpr auto fields() {
    return members(member<"lora_A.weight">(&Adapter::a), member<"lora_B.weight">(&Adapter::b));
  }

  Index rank() const { return a.value.rows; }

  // A begins Kaiming-uniform over its inputs (gain of a = sqrt 5: U(+-1 / sqrt(in))), B at zero: no change at first.
  void attach(Index r, double alpha, Index out, Index in) {
    a.reshape({r, in}, Role::adapter, {Init::uniform, 1 / std::sqrt(double(in))});
    b.reshape({r > 0 ? out : 0, r}, Role::adapter, {Init::zero});
    scale = r > 0 ? alpha / double(r) : 0;
  }

  template <class Y> void forward(Scope& s, operand x, Y y, saved& k) {
    using enum ops::Trans;
    if (rank() == 0) return;
    k.xa = s.keep<operand>({x.rows, rank()});
    ops::gemm<nt>(s, x, a.value, k.xa);
    ops::gemm<nt>(s, k.xa, b.value, y, {.alpha = scale, .beta = 1});
  }

  // dB += scale dy^T (x A^T),  dA += (scale dy B)^T x,  dx += (scale dy B) A
  template <class Dx> void backward(Scope& s, operand dy, operand x, Dx dx, saved& k) {
    using enum ops::Trans;
    if (rank() == 0) return;
    Frame frame(s);
    auto d_xa = s.temp<operand>(k.xa.shape());
    ops::gemm<nn>(s, dy, b.value, d_xa, {.alpha = scale});
    if (b.trains()) ops::gemm<tn>(s, dy, k.xa, b.grad, {.alpha = scale, .beta = 1});
    if (a.trains()) ops::gemm<tn>(s, d_xa, x, a.grad, {.beta = 1});
    if constexpr (wanted<Dx>) ops::gemm<nn>(s, d_xa, a.value, dx.m, {.beta = dx.beta});
  }

  // W += (alpha / r) B A: the same layer without the adapter.
  void merge(Scope& s, operand weight) {
    ops::gemm<ops::Trans::nn>(s, b.value, a.value, weight, {.alpha = scale, .beta = 1});
  }
};

// Stands in for Adapter where the tuning is frozen: no state, no code.
struct NoAdapter {
  struct saved {};
  static constexpr auto fields() { return members(); }
  static constexpr Index rank() { return 0; }
};

template <IsPolicy P> using adapter_t = std::conditional_t<P::tuning == Tuning::frozen, NoAdapter, Adapter<P>>;

}  // namespace vlt
