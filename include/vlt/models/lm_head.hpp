#pragma once
#include <vlt/models/component.hpp>
#include <vlt/nn/norm.hpp>
#include <vlt/ops/cross_entropy.hpp>
#include <vlt/ops/gemm.hpp>
#include <vlt/ops/rows.hpp>

namespace vlt {

// Final norm, logits and loss. Only supervised rows are normalised and multiplied, `chunk` of them at a time:
// all logits never exist together. The weight may be the embedding's (tied), then this layer has none.
template <IsPolicy P> struct LmHead {
  using in = stream_t<P, space::text>;
  using normed = operand_t<P, space::text>;
  using logits_t = Matrix<typename P::accum, P::device>;
  using dlogits_t = Matrix<typename P::operand, P::device>;

  RmsNorm<P> norm;
  param_t<P> weight;  // (vocabulary, width)
  Index chunk = 256;
  static constexpr auto fields() {
    return members(member<"model.norm">(&LmHead::norm), member<"lm_head.weight">(&LmHead::weight));
  }

  // Dx = Discard: evaluation. Grad: dx of every row is written, and the norm's and the weight's gradients accumulate.
  template <class Weight, class Dx>
  void loss(Scope& s, in x, Weight& w, const Targets& t, double scale, Dx dx, double& sum) {
    if constexpr (wanted<Dx>)
      if (dx.beta == 0) ops::fill(s, dx.m, 0);
    const Index n = Index(t.row.size());
    for (Index at = 0; at < n; at += chunk) {
      const auto pick = [&](const std::vector<Index>& v) { return std::span(v).subspan(at, std::min(chunk, n - at)); };
      loss_of_chunk(s, x, w, pick(t.row), pick(t.id), scale, dx, sum);
    }
  }

  // logits of some rows, for generation and tests
  template <class Weight> void logits(Scope& s, in x, Weight& w, std::span<const Index> row, logits_t y) {
    Frame frame(s);
    const auto mark = s.arena().mark();
    typename RmsNorm<P>::saved unused;
    auto h = s.temp<in>({y.rows, x.cols});
    auto a = s.temp<normed>({y.rows, x.cols});
    ops::gather_rows(s, x, row, h);
    norm.forward(s, h, a, unused);
    ops::gemm<ops::Trans::no, ops::Trans::yes>(s, a, w.value, y);
    s.arena().release_keep(mark);
  }

 private:
  template <class Weight, class Dx>
  void loss_of_chunk(Scope& s, in x, Weight& w, std::span<const Index> row, std::span<const Index> id, double scale,
                     Dx dx, double& sum) {
    Frame frame(s);
    const auto mark = s.arena().mark();
    const Index rows = Index(row.size());
    typename RmsNorm<P>::saved k;
    auto h = s.temp<in>({rows, x.cols});
    auto a = s.temp<normed>({rows, x.cols});
    auto logits = s.temp<logits_t>({rows, w.value.rows});
    ops::gather_rows(s, x, row, h);
    norm.forward(s, h, a, k);
    ops::gemm<ops::Trans::no, ops::Trans::yes>(s, a, w.value, logits);
    if constexpr (!wanted<Dx>) {
      ops::softmax_cross_entropy(s, logits, id, scale, dlogits_t{}, sum);
    } else {
      const auto dlogits = gradient_of(s, logits);
      auto da = s.temp<normed>(a.shape());
      auto dh = s.temp<in>(h.shape());
      ops::softmax_cross_entropy(s, logits, id, scale, dlogits, sum);
      ops::gemm<ops::Trans::no, ops::Trans::no>(s, dlogits, w.value, da);
      if constexpr (Weight::may_train)
        if (w.trains()) ops::gemm<ops::Trans::yes, ops::Trans::no>(s, dlogits, a, w.grad, {.beta = 1});
      norm.backward(s, da, overwrite(dh), k);
      ops::scatter_add_rows(s, dh, row, dx.m);
    }
    s.arena().release_keep(mark);
  }
  static dlogits_t gradient_of(Scope& s, logits_t logits) {  // in place where the types agree
    if constexpr (std::is_same_v<dlogits_t, logits_t>) return logits;
    else return s.temp<dlogits_t>(logits.shape());
  }
};

}  // namespace vlt
