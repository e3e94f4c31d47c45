#pragma once
#include <vlt/models/lm_head.hpp>
#include <vlt/nn/embedding.hpp>
#include <vlt/nn/pre_norm_block.hpp>
#include <vlt/nn/stack.hpp>

namespace vlt {

// The run-time sizes of a LLaMA-family decoder.
struct LlamaSizes {
  Index vocabulary = 0, depth = 0;
  bool tied = false;  // one matrix for the embedding and the head
  BlockSizes block;
};

// LLaMA between its embedding and its loss. The embedding has a gradient of its own choosing, whatever the blocks'
// tuning.
template <IsPolicy P, class Block = LlamaBlock<P, mask::Causal>> struct LlamaDecoder {
  using in = stream_t<P, space::text>;
  using out = in;
  using saved = typename Stack<Block>::saved;
  using Source = Embedding<typename P::trainable>;

  Unit<Source> embed_tokens;
  Stack<Block> layers;
  Unit<LmHead<P>> head;
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
        model_width(c.block.width),
        tied(c.tied) {
    head.layer.norm = RmsNorm<P>(c.block.width, c.block.norm_eps);
    if (!tied) head.layer.weight.reshape({c.vocabulary, c.block.width});
    head.layer.weight.multiplied = true;
  }
  Segments out_segments(const Segments& b) const { return b; }
  Index width() const { return model_width; }

  void forward(Scope& s, in x, out y, saved& k) { layers.forward(s, x, y, k); }
  void infer(Scope& s, in x, out y) { layers.infer(s, x, y); }
  template <class Dx> void backward(Scope& s, out dy, Dx dx, saved& k) { layers.backward(s, dy, dx, k); }

  void embed(Scope& s, std::span<const Index> id, in x) {
    embed_tokens.use(s, [&](Source& e) { e.forward(s, id, x); });
  }
  void embed_backward(Scope& s, std::span<const Index> id, in dx) {
    embed_tokens.finish(s, [&](Source& e) { e.backward(s, id, dx); });
  }

  void loss(Scope& s, in x, const Targets& t, double scale, double& sum) {
    head.use(s, [&](LmHead<P>& h) {
      if (!tied) return h.loss(s, x, h.weight, t, scale, Discard{}, sum);
      embed_tokens.use(s, [&](Source& e) { h.loss(s, x, e.weight, t, scale, Discard{}, sum); });
    });
  }
  void loss_and_grad(Scope& s, in x, const Targets& t, double scale, in dx, double& sum) {
    head.finish(s, [&](LmHead<P>& h) {
      if (!tied) return h.loss(s, x, h.weight, t, scale, overwrite(dx), sum);
      embed_tokens.contribute(s, [&](Source& e) { h.loss(s, x, e.weight, t, scale, overwrite(dx), sum); });
    });
  }
};

}  // namespace vlt
