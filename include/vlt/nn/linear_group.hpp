#pragma once
#include <array>
#include <vlt/nn/adapter.hpp>
#include <vlt/nn/registry.hpp>

namespace vlt {

// Linear layers with one input, computed by one GEMM: q, k and v, or gate and up. Each keeps its name and may have an
// adapter. y holds the members' outputs side by side: (tokens, sum of widths).
template <IsPolicy P, class Space, fixed_string... Names> struct LinearGroup {
  static constexpr int count = sizeof...(Names);
  static constexpr bool frozen = P::tuning == Tuning::frozen;
  using in = operand_t<P, Space>;
  using out = in;
  struct saved {
    [[no_unique_address]] std::conditional_t<frozen, Nothing, in> x;
    [[no_unique_address]] std::conditional_t<frozen, Nothing, std::array<typename adapter_t<P>::saved, count>> adapter;
  };

  param_t<P> weight, bias;  // (sum of widths, in), (1, sum of widths)
  [[no_unique_address]] std::conditional_t<frozen, Nothing, std::array<adapter_t<P>, count>> adapter;
  std::array<Index, count + 1> begin{};
  static constexpr auto fields() {
    return members(member<"weight">(&LinearGroup::weight), member<"bias">(&LinearGroup::bias));
  }
  using element = std::conditional_t<frozen, param_t<P>,
                                     param_t<typename P::trainable>>;  // adapters train even if the base does not

  LinearGroup() = default;
  LinearGroup(std::array<Index, count> widths, Index inputs, bool with_bias) {
    for (int i = 0; i < count; ++i) begin[i + 1] = begin[i] + widths[i];
    weight.reshape({begin[count], inputs});
    weight.multiplied = true;
    if (with_bias) bias.reshape({1, begin[count]});
  }
  Shape out_shape(Shape i) const { return {i.rows, begin[count]}; }
  bool keeps_input() const {
    bool keep = weight.trains();
    if constexpr (!frozen)
      for (const auto& a : adapter) keep |= a.rank() > 0;
    return keep;
  }
  Index width(int i) const { return begin[i + 1] - begin[i]; }
  template <class M> M part(M all, int i) const { return columns(all, begin[i], width(i)); }

  void forward(Scope& s, in x, out y, saved& k) {
    ops::gemm<ops::Trans::no, ops::Trans::yes>(s, x, weight.value, y, {.bias = bias.value});
    if constexpr (!frozen) {
      k.x = x;
      for (int i = 0; i < count; ++i) adapter[i].forward(s, x, part(y, i), k.adapter[i]);
    }
  }
  template <class Dx> void backward(Scope& s, out dy, Dx dx, saved& k) {
    if constexpr (P::tuning == Tuning::trainable) {
      if (weight.trains()) ops::gemm<ops::Trans::yes, ops::Trans::no>(s, dy, k.x, weight.grad, {.beta = 1});
      if (bias.trains()) ops::add_row_sums(s, dy, bias.grad);
    }
    if constexpr (wanted<Dx>) ops::gemm<ops::Trans::no, ops::Trans::no>(s, dy, weight.value, dx.m, {.beta = dx.beta});
    if constexpr (!frozen)
      for (int i = 0; i < count; ++i) adapter[i].backward(s, part(dy, i), k.x, then_accumulate(dx), k.adapter[i]);
  }

  template <class R> void collect(R& registry, const std::string& path) {
    const std::array<std::string, count> name{std::string(Names.view())...};
    std::vector<Part> weights, biases;
    for (int i = 0; i < count; ++i) {
      weights.push_back({join(path, name[i] + ".weight"), begin[i], width(i)});
      biases.push_back({join(path, name[i] + ".bias"), begin[i], width(i)});
    }
    registry.add(weight, weights);
    registry.add(bias, biases);
    if constexpr (!frozen)
      for (int i = 0; i < count; ++i) {
        vlt::collect(adapter[i], registry, join(path, name[i]));
        registry.linears.push_back(
            {join(path, name[i]), this, i,
             [](void* self, int which, Index rank, double alpha) {
               auto& g = *static_cast<LinearGroup*>(self);
               g.adapter[which].attach(rank, alpha, g.width(which), g.weight.value.cols);
             },
             [](void* self, int which, Scope& s) {
               auto& g = *static_cast<LinearGroup*>(self);
               require(!g.weight.value.packed, "an adapter cannot be folded into a packed weight; load it row-major");
               if (g.adapter[which].rank() > 0)
                 g.adapter[which].merge(s, row_range(g.weight.value, g.begin[which], g.width(which)));
             }});
      }
  }
};

}  // namespace vlt
