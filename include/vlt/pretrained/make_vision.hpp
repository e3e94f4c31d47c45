#pragma once
#include <vlt/models/clip_vit.hpp>
#include <vlt/nn/checkpoint.hpp>
#include <vlt/pretrained/model_kinds.hpp>

// The body of make_vision: only files that instantiate a kind include this.
namespace vlt {

template <IsPolicy P> AnyVision<typename P::trainable> make_vision(const ClipSizes& sizes, bool checkpoint) {
  using Any = AnyVision<typename P::trainable>;
  if (checkpoint && P::tuning != Tuning::frozen) return Any(ClipVit<P, Checkpoint<ClipBlock<P>>>(sizes));
  return Any(ClipVit<P>(sizes));
}

}  // namespace vlt
