#pragma once
#include <array>
#include <vlt/nn/linear.hpp>

namespace vlt {

// Linear layers with one input: q, k and v, or gate and up. Each keeps its name and may have an adapter. They are one
// parameter and one GEMM as long as they share their fate; once adapters freeze some of the weights and not the others,
// each weight is a parameter of its own. y holds the members' outputs side by side: (tokens, sum of widths).
template <IsPolicy P, class Space, fixed_string... Names> struct LinearGroup {
  static constexpr int count = sizeof...(Names);
  static constexpr bool frozen = P::tuning == Tuning::frozen;
  static constexpr bool trainable = P::tuning == Tuning::trainable;
  using in = operand_t<P, Space>;
  using out = in;
  using element = std::conditional_t<frozen, param_t<P>, param_t<typename P::trainable>>;  // adapters may train
  struct saved {
    [[no_unique_address]] std::conditional_t<frozen, Nothing, in> x;
    [[no_unique_address]] std::conditional_t<frozen, Nothing, std::array<typename adapter_t<P>::saved, count>> adapter;
  };

  param_t<P> weight;      // (sum of widths, in)
  exact_param_t<P> bias;  // (1, sum of widths)
  [[no_unique_address]] std::conditional_t<trainable, std::array<param_t<P>, count>, Nothing> single;  // or one each
  [[no_unique_address]] std::conditional_t<frozen, Nothing, std::array<adapter_t<P>, count>> adapter;
  std::array<Index, count + 1> begin{};  // member i owns columns [begin[i], begin[i + 1]) of y
  Index inputs = 0;
  static constexpr auto fields() {
    return members(member<"weight">(&LinearGroup::weight), member<"bias">(&LinearGroup::bias));
  }

  LinearGroup() = default;
  LinearGroup(std::array<Index, count> widths, Index input_width, bool with_bias) : inputs(input_width) {
    for (int i = 0; i < count; ++i) begin[i + 1] = begin[i] + widths[i];
    weight.reshape({begin[count], inputs}, Role::matrix, initial_matrix);
    weight.packable = true;
    if (with_bias) bias.reshape({1, begin[count]}, Role::bias, initial_bias);
  }
  Shape out_shape(Shape i) const { return {i.rows, begin[count]}; }
  bool keeps_input() const {
    bool keep = weight.trains();
    if constexpr (!frozen)  // where weights are apart, there is an adapter
      for (const auto& a : adapter) keep |= a.rank() > 0;
    return keep;
  }
  Index width(int i) const { return begin[i + 1] - begin[i]; }
  template <class M> M part(M all, int i) const { return columns(all, begin[i], width(i)); }

  // Weights and biases begin as U(+-1 / sqrt(in)), as in torch.nn.Linear.
  void begin_uniform() { weight.init = bias.init = {Init::uniform, 1 / std::sqrt(double(inputs))}; }

  void forward(Scope& s, in x, out y, saved& k) {
    for_each_weight([&](param_t<P>& w, Index first, Index width) {
      const auto b = bias.exists() ? columns(bias.full(), first, width) : bias.full();
      ops::gemm<ops::Trans::nt>(s, x, w.value, columns(y, first, width), {.bias = b});
    });
    if constexpr (!frozen) {
      k.x = x;
      for (int i = 0; i < count; ++i) adapter[i].forward(s, x, part(y, i), k.adapter[i]);
    }
  }
  template <class Dx> void backward(Scope& s, out dy, Dx dx, saved& k) {
    for_each_weight([&](param_t<P>& w, Index first, Index width) {
      const auto g = columns(dy, first, width);
      if constexpr (trainable)
        if (w.trains()) ops::gemm<ops::Trans::tn>(s, g, k.x, w.grad, {.beta = 1});
      if constexpr (wanted<Dx>) ops::gemm<ops::Trans::nn>(s, g, w.value, dx.m, {.beta = first == 0 ? dx.beta : 1});
    });
    if constexpr (trainable)
      if (bias.trains()) ops::add_row_sums(s, dy, bias.grad);
    if constexpr (!frozen)
      for (int i = 0; i < count; ++i) adapter[i].backward(s, part(dy, i), k.x, then_accumulate(dx), k.adapter[i]);
  }

  template <class R> void collect(R& registry, const std::string& path) {
    const std::array<std::string, count> name{join(path, Names.view())...};
    std::vector<Part> weights, biases;
    for (int i = 0; i < count; ++i) {
      weights.push_back({name[i] + ".weight", begin[i], width(i)});
      biases.push_back({name[i] + ".bias", begin[i], width(i)});
    }
    registry.add(weight, weights);
    if constexpr (trainable)
      for (int i = 0; i < count; ++i) registry.add(single[i], {{name[i] + ".weight", 0, width(i)}});
    registry.add(bias, biases);
    if constexpr (!frozen)
      for (int i = 0; i < count; ++i) {
        vlt::collect(adapter[i], registry, name[i]);
        registry.add(LinearRef{name[i], this, i, attach, merge});
      }
  }
  bool trains() const {
    bool any = weight.trains() || bias.trains();
    if constexpr (trainable)
      for (const auto& w : single) any |= w.trains();
    if constexpr (!frozen)
      for (const auto& a : adapter) any |= vlt::trains(a);
    return any;
  }

 private:
  // Calls f(weight, first column of y, columns of y) for the one weight, or for each.
  template <class F> void for_each_weight(F&& f) {
    if (weight.exists()) return f(weight, 0, begin[count]);
    if constexpr (trainable)
      for (int i = 0; i < count; ++i) f(single[i], begin[i], width(i));
  }

  // A weight under an adapter does not train. If that leaves some that do, the fused weight comes apart.
  void share_or_part() {
    int adapted = 0;
    for (const auto& a : adapter) adapted += a.rank() > 0;
    if constexpr (trainable) {
      const bool apart = adapted > 0 && adapted < count;
      const Init init = weight.exists() ? weight.init : single[0].init;
      weight.reshape({apart ? 0 : begin[count], inputs}, Role::matrix, init);
      for (int i = 0; i < count; ++i) {
        single[i].reshape({apart ? width(i) : 0, inputs}, Role::matrix, init);
        single[i].packable = true;
        single[i].choose(adapter[i].rank() == 0);
      }
    }
    weight.choose(adapted == 0);
  }
  static void attach(void* self, int which, Index rank, double alpha) {
    auto& g = *static_cast<LinearGroup*>(self);
    g.adapter[which].attach(rank, alpha, g.width(which), g.inputs);
    g.share_or_part();
  }
  static void merge(void* self, int which, Scope& s) {
    auto& g = *static_cast<LinearGroup*>(self);
    if (g.adapter[which].rank() == 0) return;
    g.for_each_weight([&](param_t<P>& w, Index first, Index width) {
      if (g.begin[which] < first || g.begin[which] >= first + width) return;
      require(!w.value.packed, "an adapter cannot be folded into a packed weight; load it row-major");
      g.adapter[which].merge(s, row_range(w.value, g.begin[which] - first, g.width(which)));
    });
  }
};

}  // namespace vlt
