#pragma once
#include <vlt/nn/linear.hpp>
#include <vlt/ops/rows.hpp>

namespace vlt {

// A source: ids in, rows of the residual stream out; there is no dx. A negative id leaves its row to somebody else.
template <IsPolicy P, class Space = space::text> struct Embedding {
  using out = stream_t<P, Space>;
  param_t<P> weight;  // (vocabulary, width)
  static constexpr auto fields() { return members(member<"weight">(&Embedding::weight)); }

  Embedding() = default;
  Embedding(Index vocabulary, Index width) : weight({vocabulary, width}, Role::embedding, initial_matrix) {}

  void forward(Scope& s, IndexView<P::device> id, out y) { ops::gather_rows(s, weight.value, id, y); }
  void backward(Scope& s, IndexView<P::device> id, out dy) {
    if constexpr (P::tuning == Tuning::trainable)
      if (weight.trains()) ops::scatter_add_rows(s, dy, id, weight.grad);
  }
};

}  // namespace vlt
