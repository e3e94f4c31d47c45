#pragma once
#include <vlt/nn/adapter.hpp>
#include <vlt/nn/registry.hpp>

namespace vlt {

// How matrices, and the vectors beside them, begin in a model made from nothing (GPT-2's choice, and LLaMA's).
inline constexpr Init initial_matrix{Init::normal, 0.02};
inline constexpr Init initial_bias{Init::zero};

// y = x W^T + b, with an adapter if one was attached. An input or output gradient that is not an operand is converted
// to one first.
template <IsPolicy P, class In = operand_t<P, space::text>, class Out = In> struct Linear {
  using in = In;
  using out = Out;
  using operand = Matrix<typename P::operand, P::device>;
  static constexpr bool frozen = P::tuning == Tuning::frozen;
  struct saved {
    [[no_unique_address]] std::conditional_t<frozen, Nothing, operand> x;
    [[no_unique_address]] typename adapter_t<P>::saved adapter;
  };

  param_t<P> weight;      // (out, in)
  exact_param_t<P> bias;  // (1, out)
  [[no_unique_address]] adapter_t<P> adapter;
  static constexpr auto fields() {
    return members(member<"weight">(&Linear::weight), member<"bias">(&Linear::bias), member<"">(&Linear::adapter));
  }

  Linear() = default;
  Linear(Index outputs, Index inputs, bool with_bias) : weight({outputs, inputs}, Role::matrix, initial_matrix) {
    weight.packable = true;
    if (with_bias) bias.reshape({1, outputs}, Role::bias, initial_bias);
  }
  Shape out_shape(Shape i) const { return {i.rows, weight.value.rows}; }
  bool reads_input() const { return weight.trains() || adapter.rank() > 0; }  // in backward
  bool keeps_input() const { return std::is_same_v<typename In::value_type, typename P::operand> && reads_input(); }

  // Weight and bias begin as U(+-1 / sqrt(in)), as in torch.nn.Linear.
  void begin_uniform() { weight.init = bias.init = {Init::uniform, 1 / std::sqrt(double(weight.value.cols))}; }

  void forward(Scope& s, in x, out y, saved& k, out residual = {}) {
    Frame frame(s);
    const operand a = ops::as<typename P::operand>(s, x, reads_input());
    ops::gemm<ops::Trans::nt>(s, a, weight.value, y, {.bias = bias.full(), .residual = residual});
    if constexpr (!frozen) {
      if (reads_input()) k.x = a;
      adapter.forward(s, a, y, k.adapter);
    }
  }
  template <class Dx> void backward(Scope& s, out dy, Dx dx, saved& k) {
    Frame frame(s);
    const operand g = ops::as<typename P::operand>(s, dy);  // (tokens, out)
    if constexpr (P::tuning == Tuning::trainable) {
      if (weight.trains()) ops::gemm<ops::Trans::tn>(s, g, k.x, weight.grad, {.beta = 1});
      if (bias.trains()) ops::add_row_sums(s, dy, bias.grad);
    }
    if constexpr (wanted<Dx>) ops::gemm<ops::Trans::nn>(s, g, weight.value, dx.m, {.beta = dx.beta});
    if constexpr (!frozen) adapter.backward(s, g, k.x, then_accumulate(dx), k.adapter);
  }

  template <class R> void collect(R& registry, const std::string& path) {
    std::apply([&](auto... m) { (vlt::collect(this->*m.ptr, registry, join(path, m.name.view())), ...); }, fields());
    if constexpr (!frozen) registry.add(LinearRef{path, this, 0, attach, merge});
  }

 private:
  static void attach(void* self, int, Index rank, double alpha) {
    auto& l = *static_cast<Linear*>(self);
    l.adapter.attach(rank, alpha, l.weight.value.rows, l.weight.value.cols);
    l.weight.choose(rank == 0);
  }
  static void merge(void* self, int, Scope& s) {
    auto& l = *static_cast<Linear*>(self);
    require(!l.weight.value.packed, "an adapter cannot be folded into a packed weight; load it row-major");
    if (l.adapter.rank() > 0) l.adapter.merge(s, l.weight.value);
  }
};

}  // namespace vlt
