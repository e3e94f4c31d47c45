#pragma once
#include <vlt/models/clip_vit.hpp>
#include <vlt/models/llama.hpp>
#include <vlt/nn/checkpoint.hpp>
#include <vlt/pretrained/known_kinds.hpp>
#include <vlt/pretrained/model_kinds.hpp>

// The bodies behind model_kinds.hpp: only files that instantiate a kind include this.
namespace vlt {

template <IsPolicy P> AnyVision<typename P::trainable> make_vision(const ClipSizes& sizes, bool checkpoint) {
  using Any = AnyVision<typename P::trainable>;
  if (checkpoint && P::tuning != Tuning::frozen) return Any(ClipVit<P, Checkpoint<ClipBlock<P>>>(sizes));
  return Any(ClipVit<P>(sizes));
}

template <IsPolicy P, class Family, MaskKind M>
AnyLanguage<typename P::trainable> make_language(const LlamaSizes& sizes, bool checkpoint) {
  using Any = AnyLanguage<typename P::trainable>;
  using Block = typename Family::template Block<P, mask_t<M>>;
  if (checkpoint) return Any(LlamaDecoder<P, Checkpoint<Block>>(sizes));
  return Any(LlamaDecoder<P, Block>(sizes));
}

template <IsPolicy P, class Kind> AnyProjector<P> make_projector(const ProjectorSizes& sizes) {
  AnyProjector<P> made(Kind::template make<P>(sizes));
  Segments image;
  image.append(sizes.tower_tokens(), TokenKind::image);
  require(made.out_segments(image).end(0) == projector_facts<Kind>().tokens_per_image(sizes),
          std::string("the projector ") + Kind::name + " says that an image is another number of tokens than it gives");
  return made;
}

}  // namespace vlt
