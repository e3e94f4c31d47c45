#pragma once
#include <vlt/models/component.hpp>
#include <vlt/nn/linear.hpp>
#include <vlt/nn/norm.hpp>
#include <vlt/ops/cross_entropy.hpp>
#include <vlt/ops/rows.hpp>

namespace vlt {

// Final norm, logits and loss. Only supervised rows are normalised and multiplied, `chunk` of them at a time:
// all logits never exist together. The weight may be the embedding's (tied), then this layer has none.
template <IsPolicy P> struct LmHead {
  using in = stream_t<P, space::text>;
  using normed = operand_t<P, space::text>;
  using logits_t = Matrix<typename P::accum, P::device>;
  using dlogits_t = Matrix<typename P::operand, P::device>;
  using Indices = IndexView<P::device>;
  using Targets = TargetsView<P::device>;
  using Losses = LossAccumulator<P::device>;

  RmsNorm<P> norm;
  param_t<P> weight;  // (vocabulary, width)
  Index chunk = 256;
  static constexpr auto fields() {
    return members(member<"model.norm">(&LmHead::norm), member<"lm_head.weight">(&LmHead::weight));
  }

  LmHead() = default;
  LmHead(Index vocabulary, Index width, double eps, bool tied) : norm(width, eps) {
    if (!tied) weight.reshape({vocabulary, width}, Role::head, initial_matrix);
    weight.packable = true;
  }

  // Dx = Discard: evaluation. Grad: dx of every row is written, and the norm's and the weight's gradients accumulate.
  template <class Weight, class Dx>
  void loss(Scope& s, in x, Weight& w, const Targets& t, double scale, Dx dx, Losses& sums) {
    require(t.groups <= sums.groups(), "targets belong to more groups than losses are summed for");
    if constexpr (wanted<Dx>)
      if (dx.beta == 0) ops::fill(s, dx.m, 0);
    for (Index at = 0; at < t.size(); at += chunk)
      loss_of_chunk(s, x, w, t.part(at, std::min(chunk, t.size() - at)), scale, dx, sums);
  }

  // y = logits of the given rows of x, (rows, vocabulary): for generation, and for whoever wants to look.
  template <class Weight> void logits(Scope& s, in x, Weight& w, Indices row, logits_t y) {
    Frame frame(s);
    auto h = s.temp<in>({y.rows, x.cols});
    auto a = s.temp<normed>({y.rows, x.cols});
    ops::gather_rows(s, x, row, h);
    infer(s, norm, h, a);
    ops::gemm<ops::Trans::nt>(s, a, w.value, y);
  }

 private:
  template <class Weight, class Dx>
  void loss_of_chunk(Scope& s, in x, Weight& w, const Targets& c, double scale, Dx dx, Losses& sums) {
    Frame frame(s);
    const auto mark = s.arena().mark();
    const Index rows = c.size();
    typename RmsNorm<P>::saved k;
    auto h = s.temp<in>({rows, x.cols});
    auto a = s.temp<normed>({rows, x.cols});
    auto logits = s.temp<logits_t>({rows, w.value.rows});
    ops::gather_rows(s, x, c.row, h);
    norm.forward(s, h, a, k);
    ops::gemm<ops::Trans::nt>(s, a, w.value, logits);
    if constexpr (!wanted<Dx>) {
      cross_entropy(s, logits, c, scale, dlogits_t{}, sums);
    } else {
      const auto dlogits = gradient_of(s, logits);
      auto da = s.temp<normed>(a.shape());
      auto dh = s.temp<in>(h.shape());
      cross_entropy(s, logits, c, scale, dlogits, sums);
      ops::gemm<ops::Trans::nn>(s, dlogits, w.value, da);
      if constexpr (Weight::may_train)
        if (w.trains()) ops::gemm<ops::Trans::tn>(s, dlogits, a, w.grad, {.beta = 1});
      norm.backward(s, da, overwrite(dh), k);
      ops::scatter_add_rows(s, dh, c.row, dx.m);
    }
    s.arena().release_keep(mark);
  }

  static void cross_entropy(Scope& s, logits_t logits, const Targets& c, double scale, dlogits_t dlogits,
                            Losses& sums) {
    Frame frame(s);
    const auto losses = s.temp<Matrix<double, P::device>>({logits.rows, 1});
    const auto hits = s.temp<Matrix<std::uint8_t, P::device>>({sums.counts_correct() ? logits.rows : 0, 1});
    ops::softmax_cross_entropy(s, logits, c.id, scale, dlogits, losses, hits);
    ops::add_losses(s, losses, hits, c.group, scale, sums.sums());
  }
  static dlogits_t gradient_of(Scope& s, logits_t logits) {  // in place where the types agree
    if constexpr (std::is_same_v<dlogits_t, logits_t>) return logits;
    else return s.temp<dlogits_t>(logits.shape());
  }
};

}  // namespace vlt
