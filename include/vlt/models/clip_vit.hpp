#pragma once
#include <vlt/models/component.hpp>
#include <vlt/models/sizes.hpp>
#include <vlt/nn/pre_norm_block.hpp>
#include <vlt/nn/stack.hpp>
#include <vlt/ops/patchify.hpp>
#include <vlt/ops/positions.hpp>

namespace vlt {

// Pixels to the residual stream: patch embedding, class token, learned positions, first norm.
template <IsPolicy P> struct ClipEmbeddings {
  using in = stream_t<P, space::pixels>;
  using out = stream_t<P, space::vision>;
  using patches_t = operand_t<P, space::pixels>;
  static constexpr bool trainable = P::tuning == Tuning::trainable;
  using PatchPolicy = std::conditional_t<trainable, P, typename P::frozen>;
  using Patch = Linear<PatchPolicy, patches_t, out>;
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
      : class_embedding({1, c.block.width}, Role::vector, initial_matrix),
        position_embedding({1 + c.patches(), c.block.width}, Role::table, initial_matrix),
        patch_embedding(c.block.width, 3 * c.patch * c.patch, false),
        pre_layrnorm(c.block.width, c.block.norm_eps),
        image(c.image),
        patch(c.patch) {
    patch_embedding.weight.role = Role::patch_embedding;
  }
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

// CLIP's vision transformer up to the last layer that runs, without the final norm (REF 5.2). The class token leaves
// with the patches or is dropped behind the last layer (LLaVA's feature selection `patch`). What stands in front of the
// first parameter that trains keeps nothing and has no backward.
template <IsPolicy P, class Block = ClipBlock<P>> struct ClipVit {
  using in = stream_t<P, space::pixels>;  // one row per image
  using out = stream_t<P, space::vision>;
  using Inside = SegmentsView<P::device>;  // rows between embeddings and last layer: class tokens included
  struct saved {
    typename ClipEmbeddings<P>::saved embeddings;
    typename Stack<Block>::saved layers;
    Inside inside;
  };

  Unit<ClipEmbeddings<P>> embeddings;
  Stack<Block> layers;
  bool drop_class = false;
  static constexpr auto fields() {
    return members(member<"vision_model">(&ClipVit::embeddings),
                   member<"vision_model.encoder.layers">(&ClipVit::layers));
  }

  ClipVit() = default;
  explicit ClipVit(const ClipSizes& c)
      : embeddings{ClipEmbeddings<P>(c)}, layers(c.depth, c.block), drop_class(c.drop_class) {}
  Segments out_segments(const Segments& images) const {
    return equal_segments(images.rows(), embeddings.layer.each() - (drop_class ? 1 : 0));
  }
  Segments inside_segments(const Segments& images) const {
    return equal_segments(images.rows(), embeddings.layer.each());
  }
  Index width() const { return embeddings.layer.position_embedding.value.cols; }

  void forward(Scope& s, in x, out y, saved& k, const Inside& inside) {
    Frame frame(s);
    const Shape shape{inside.rows(), y.cols};
    k.inside = inside;
    auto e = frozen_layers() > 0 ? s.temp<out>(shape, inside) : s.keep<out>(shape, inside);
    const out last = drop_class ? s.temp<out>(shape, inside) : y;
    embeddings.use(s,
                   [&](auto& l) { embeddings.trains() ? l.forward(s, x, e, k.embeddings) : vlt::infer(s, l, x, e); });
    layers.forward(s, e, last, k.layers, frozen_layers());
    if (drop_class) ops::drop_first(s, last, inside, y);
  }
  void infer(Scope& s, in x, out y, const Inside& inside) {
    Frame frame(s);
    const Shape shape{inside.rows(), y.cols};
    auto e = s.temp<out>(shape, inside);
    const out last = drop_class ? s.temp<out>(shape, inside) : y;
    embeddings.use(s, [&](auto& l) { vlt::infer(s, l, x, e); });
    layers.infer(s, e, last);
    if (drop_class) ops::drop_first(s, last, inside, y);
  }
  void backward(Scope& s, out dy, Discard, saved& k) {
    Frame frame(s);
    const Shape shape{k.inside.rows(), dy.cols};
    const out d_last = drop_class ? s.temp<out>(shape, k.inside) : dy;
    if (drop_class) ops::drop_first_backward(s, dy, k.inside, d_last, 0);
    if constexpr (P::tuning == Tuning::trainable)
      if (embeddings.trains()) {
        auto de = s.temp<out>(shape, k.inside);
        layers.backward(s, d_last, overwrite(de), k.layers);
        return embeddings.finish(s, [&](auto& l) { l.backward(s, de, Discard{}, k.embeddings); });
      }
    layers.backward(s, d_last, Discard{}, k.layers, frozen_layers());
  }

 private:
  std::size_t frozen_layers() const { return embeddings.trains() ? 0 : layers.first_trained(); }
};

}  // namespace vlt
