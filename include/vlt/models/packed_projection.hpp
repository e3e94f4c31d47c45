#pragma once
#include <vlt/nn/linear.hpp>

namespace vlt {

// The three input projections of torch.nn.MultiheadAttention: one weight, but three different inputs.
// Number i (0 query, 1 key, 2 value):  y = x W_i^T + b_i,  W_i = rows [i width, (i + 1) width).
template <IsPolicy P> struct PackedProjection {
  using operand = operand_t<P, space::text>;
  static constexpr bool trainable = P::tuning == Tuning::trainable;

  param_t<P> weight;      // (3 width, width)
  exact_param_t<P> bias;  // (1, 3 width)
  static constexpr auto fields() {
    return members(member<"in_proj_weight">(&PackedProjection::weight),
                   member<"in_proj_bias">(&PackedProjection::bias));
  }

  PackedProjection() = default;
  explicit PackedProjection(Index width)  // Xavier-uniform over the packed matrix, as torch begins
      : weight({3 * width, width}, Role::matrix, {Init::uniform, std::sqrt(6 / double(4 * width))}),
        bias({1, 3 * width}, Role::bias, {Init::zero}) {}
  Index width() const { return weight.value.cols; }
  bool keeps_input() const { return weight.trains(); }

  void forward(Scope& s, int i, operand x, operand y) {
    using enum ops::Trans;
    ops::gemm<nt>(s, x, rows(weight.value, i), y, {.bias = columns(bias.full(), i * width(), width())});
  }
  template <class Dx> void backward(Scope& s, int i, operand dy, operand x, Dx dx) {
    using enum ops::Trans;
    if constexpr (trainable) {
      if (weight.trains()) ops::gemm<tn>(s, dy, x, rows(weight.grad, i), {.beta = 1});
      if (bias.trains()) ops::add_row_sums(s, dy, columns(bias.grad, i * width(), width()));
    }
    ops::gemm<nn>(s, dy, rows(weight.value, i), dx.m, {.beta = dx.beta});
  }

 private:
  template <class M> M rows(const M& all, int i) const { return row_range(all, i * width(), width()); }
};

}  // namespace vlt
