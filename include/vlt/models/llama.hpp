#pragma once
#include <vlt/models/lm_head.hpp>
#include <vlt/models/sizes.hpp>
#include <vlt/nn/embedding.hpp>
#include <vlt/nn/pre_norm_block.hpp>
#include <vlt/nn/stack.hpp>

namespace vlt {

// LLaMA between its embedding and its loss. The embedding has a gradient of its own choosing, whatever the blocks'
// tuning.
template <IsPolicy P, class Block = LlamaBlock<P, mask::Causal>> struct LlamaDecoder {
  using in = typename Block::in;  // the residual stream, stream_t<P, space::text>
  using out = in;
  using saved = typename Stack<Block>::saved;
  using Source = Embedding<typename P::trainable>;
  using Head = LmHead<P>;
  using logits_t = typename Head::logits_t;
  using Cache = KvCache<P>;
  using Indices = IndexView<P::device>;
  using Losses = LossAccumulator<P::device>;

  Unit<Source> embed_tokens;
  Stack<Block> layers;
  Unit<Head> head;
  Index model_width = 0;
  bool tied = false;
  static constexpr auto fields() {
    return members(member<"model.embed_tokens">(&LlamaDecoder::embed_tokens),
                   member<"model.layers">(&LlamaDecoder::layers), member<"">(&LlamaDecoder::head));
  }

  LlamaDecoder() = default;
  explicit LlamaDecoder(const LlamaSizes& c)
      : embed_tokens{Source(c.vocabulary, c.block.width)},
        layers(c.depth, c.block),
        head{Head(c.vocabulary, c.block.width, c.block.norm_eps, c.tied)},
        model_width(c.block.width),
        tied(c.tied) {}
  Segments out_segments(const Segments& b) const { return b; }
  Index width() const { return model_width; }
  Index vocabulary() const { return embed_tokens.layer.weight.value.rows; }

  void forward(Scope& s, in x, out y, saved& k) { layers.forward(s, x, y, k); }
  void infer(Scope& s, in x, out y) { layers.infer(s, x, y); }
  template <class Dx> void backward(Scope& s, out dy, Dx dx, saved& k) { layers.backward(s, dy, dx, k); }

  void embed(Scope& s, Indices id, in x) {
    embed_tokens.use(s, [&](Source& e) { e.forward(s, id, x); });
  }
  void embed_backward(Scope& s, Indices id, in dx) {
    embed_tokens.finish(s, [&](Source& e) { e.backward(s, id, dx); });
  }

  void loss(Scope& s, in x, const TargetsView<P::device>& t, double scale, Losses& sums) {
    with_head(s, [&](Head& h, auto& weight) { h.loss(s, x, weight, t, scale, Discard{}, sums); });
  }
  void loss_and_grad(Scope& s, in x, const TargetsView<P::device>& t, double scale, in dx, Losses& sums) {
    head.finish(s, [&](Head& h) {
      if (!tied) return h.loss(s, x, h.weight, t, scale, overwrite(dx), sums);
      embed_tokens.contribute(s, [&](Source& e) { h.loss(s, x, e.weight, t, scale, overwrite(dx), sums); });
    });
  }

  // Generation: logits of some rows, and the next rows of a sequence, those that were appended to its cache last.
  void logits(Scope& s, in x, Indices row, logits_t y) {
    with_head(s, [&](Head& h, auto& weight) { h.logits(s, x, weight, row, y); });
  }
  Cache make_cache(Index capacity) const requires Decodable<Block, typename Cache::Layer> {
    const Index depth = Index(layers.blocks.size());
    return Cache(depth, depth > 0 ? layers.blocks.front().layer.kv_width() : 0, capacity);
  }
  void extend(Scope& s, in x, out y, Cache& cache) requires Decodable<Block, typename Cache::Layer> {
    layers.extend(s, x, y, cache);
  }

 private:
  template <class F> void with_head(Scope& s, F&& f) {
    head.use(s, [&](Head& h) {
      if (!tied) return f(h, h.weight);
      embed_tokens.use(s, [&](Source& e) { f(h, e.weight); });
    });
  }
};

}  // namespace vlt
