#pragma once
#include <vlt/nn/layer.hpp>
#include <vlt/ops/norm.hpp>

namespace vlt {

// y = x / rms(x) * weight: reads the residual stream, gives an operand.
template <IsPolicy P, class In = stream_t<P, space::text>, class Out = operand_t<P, typename In::space>>
struct RmsNorm {
  using in = In;
  using out = Out;
  using statistic = Matrix<typename P::accum, P::device>;
  struct saved {  // dx needs both, whatever trains
    in x;
    statistic rstd;
  };

  exact_param_t<P> weight;  // (1, width)
  double eps = 1e-5;
  static constexpr auto fields() { return members(member<"weight">(&RmsNorm::weight)); }

  RmsNorm() = default;
  RmsNorm(Index width, double epsilon) : weight({1, width}, Role::norm, {Init::one}), eps(epsilon) {}
  Shape out_shape(Shape i) const { return i; }

  void forward(Scope& s, in x, out y, saved& k) {
    k = {x, s.keep<statistic>({x.rows, 1})};
    ops::rms_norm(s, x, weight.full(), y, k.rstd, eps);
  }
  template <class Dx> void backward(Scope& s, out dy, Dx dx, saved& k) {
    if constexpr (P::tuning == Tuning::trainable)
      if (weight.trains()) ops::rms_norm_dw(s, dy, k.x, k.rstd, weight.grad);
    if constexpr (wanted<Dx>) ops::rms_norm_dx(s, dy, k.x, weight.full(), k.rstd, dx.m, dx.beta);
  }
};

// y = (x - mean) / deviation * weight + bias.
template <IsPolicy P, class In = stream_t<P, space::vision>, class Out = operand_t<P, typename In::space>>
struct LayerNorm {
  using in = In;
  using out = Out;
  using statistic = Matrix<typename P::accum, P::device>;
  struct saved {
    in x;
    statistic mean, rstd;
  };

  exact_param_t<P> weight, bias;  // (1, width)
  double eps = 1e-5;
  static constexpr auto fields() {
    return members(member<"weight">(&LayerNorm::weight), member<"bias">(&LayerNorm::bias));
  }

  LayerNorm() = default;
  LayerNorm(Index width, double epsilon)
      : weight({1, width}, Role::norm, {Init::one}), bias({1, width}, Role::bias, {Init::zero}), eps(epsilon) {}
  Shape out_shape(Shape i) const { return i; }

  void forward(Scope& s, in x, out y, saved& k) {
    k = {x, s.keep<statistic>({x.rows, 1}), s.keep<statistic>({x.rows, 1})};
    ops::layer_norm(s, x, weight.full(), bias.full(), y, k.mean, k.rstd, eps);
  }
  template <class Dx> void backward(Scope& s, out dy, Dx dx, saved& k) {
    if constexpr (P::tuning == Tuning::trainable) {
      if (weight.trains()) ops::layer_norm_dw(s, dy, k.x, k.mean, k.rstd, weight.grad);
      if (bias.trains()) ops::add_row_sums(s, dy, bias.grad);
    }
    if constexpr (wanted<Dx>) ops::layer_norm_dx(s, dy, k.x, weight.full(), k.mean, k.rstd, dx.m, dx.beta);
  }
};

}  // namespace vlt
