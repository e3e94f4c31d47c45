#pragma once
#include <vlt/models/component.hpp>
#include <vlt/nn/pre_norm_block.hpp>
#include <vlt/nn/stack.hpp>
#include <vlt/ops/patchify.hpp>

namespace vlt {

// The run-time sizes of a CLIP vision tower; `depth` is the number of layers that run (LLaVA reads the last but one).
struct ClipSizes {
  Index image = 224, patch = 14, depth = 0;
  BlockSizes block;
  Index patches() const { return (image / patch) * (image / patch); }
};

// Pixels to the residual stream: patch embedding, class token, learned positions, first norm.
template <IsPolicy P> struct ClipEmbeddings {
  using in = stream_t<P, space::pixels>;
  using out = stream_t<P, space::vision>;
  using patches_t = operand_t<P, space::pixels>;
  static constexpr bool trainable = P::tuning == Tuning::trainable;
  using Patch = Linear<std::conditional_t<trainable, P, typename P::frozen>, patches_t,
                       out>;  // a convolution elsewhere: no adapter
  using Norm = LayerNorm<P, out, out>;
  struct saved {
    typename Patch::saved patch;
    typename Norm::saved norm;
  };

  param_t<P> class_embedding, position_embedding;  // (1, width), (1 + patches, width)
  Patch patch_embedding;                           // (width, 3 * patch * patch)
  Norm pre_layrnorm;                               // the checkpoint's spelling
  Index image = 0, patch = 0;
  static constexpr auto fields() {
    return members(member<"embeddings.class_embedding">(&ClipEmbeddings::class_embedding),
                   member<"embeddings.patch_embedding">(&ClipEmbeddings::patch_embedding),
                   member<"embeddings.position_embedding.weight">(&ClipEmbeddings::position_embedding),
                   member<"pre_layrnorm">(&ClipEmbeddings::pre_layrnorm));
  }

  ClipEmbeddings() = default;
  explicit ClipEmbeddings(const ClipSizes& c)
      : class_embedding(Shape{1, c.block.width}),
        position_embedding(Shape{1 + c.patches(), c.block.width}),
        patch_embedding(c.block.width, 3 * c.patch * c.patch, false),
        pre_layrnorm(c.block.width, c.block.norm_eps),
        image(c.image),
        patch(c.patch) {}
  Index each() const { return position_embedding.value.rows; }

  void forward(Scope& s, in x, out y, saved& k) {
    Frame frame(s);
    const Index width = y.cols, patches = x.rows * (each() - 1);
    auto z = s.keep<out>(y.shape(), y.segments);  // the norm's input
    auto cut = s.keep_if<patches_t>(patch_embedding.keeps_input(), {patches, 3 * patch * patch});
    auto e = s.temp<out>({patches, width});
    ops::patchify(s, x, cut, image, patch);
    patch_embedding.forward(s, cut, e, k.patch);
    ops::add_class_and_positions(s, e, class_embedding.value, position_embedding.value, z);
    pre_layrnorm.forward(s, z, y, k.norm);
  }
  void backward(Scope& s, out dy, Discard, saved& k) {
    if constexpr (trainable) {
      Frame frame(s);
      const Index patches = dy.rows / each() * (each() - 1);
      auto dz = s.temp<out>(dy.shape(), dy.segments), de = s.temp<out>({patches, dy.cols});
      pre_layrnorm.backward(s, dy, overwrite(dz), k.norm);
      const auto grad_of = [](auto& p) { return p.trains() ? p.grad : decltype(p.grad){}; };
      ops::add_class_and_positions_backward(s, dz, de, grad_of(class_embedding), grad_of(position_embedding), each());
      patch_embedding.backward(s, de, Discard{}, k.patch);
    }
  }
};

// CLIP's vision transformer up to the last hidden state, class token included, without the final norm (REF 5.2).
template <IsPolicy P, class Block = ClipBlock<P>> struct ClipVit {
  using in = stream_t<P, space::pixels>;  // one row per image
  using out = stream_t<P, space::vision>;
  struct saved {
    typename ClipEmbeddings<P>::saved embeddings;
    typename Stack<Block>::saved layers;
    Shape shape;
  };

  Unit<ClipEmbeddings<P>> embeddings;
  Stack<Block> layers;
  static constexpr auto fields() {
    return members(member<"vision_model">(&ClipVit::embeddings),
                   member<"vision_model.encoder.layers">(&ClipVit::layers));
  }

  ClipVit() = default;
  explicit ClipVit(const ClipSizes& c) : embeddings{ClipEmbeddings<P>(c)}, layers(c.depth, c.block) {}
  Segments out_segments(const Segments& images) const { return equal_segments(images.rows(), embeddings.layer.each()); }
  Index width() const { return embeddings.layer.position_embedding.value.cols; }

  void forward(Scope& s, in x, out y, saved& k) {
    auto e = s.keep<out>(y.shape(), y.segments);
    embeddings.use(s, [&](auto& l) { l.forward(s, x, e, k.embeddings); });
    layers.forward(s, e, y, k.layers);
  }
  void infer(Scope& s, in x, out y) {
    Frame frame(s);
    auto e = s.temp<out>(y.shape(), y.segments);
    embeddings.use(s, [&](auto& l) { vlt::infer(s, l, x, e); });
    layers.infer(s, e, y);
  }
  void backward(Scope& s, out dy, Discard, saved& k) {
    Frame frame(s);
    if constexpr (P::tuning == Tuning::trainable) {
      auto de = s.temp<out>(dy.shape(), dy.segments);
      layers.backward(s, dy, overwrite(de), k.layers);
      embeddings.finish(s, [&](auto& l) { l.backward(s, de, Discard{}, k.embeddings); });
    } else {
      layers.backward(s, dy, Discard{}, k.layers);
    }
  }
};

}  // namespace vlt
