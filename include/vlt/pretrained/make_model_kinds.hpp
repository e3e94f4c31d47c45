#pragma once
#include <vlt/models/clip_vit.hpp>
#include <vlt/models/llama.hpp>
#include <vlt/models/mlp_projector.hpp>
#include <vlt/models/perceiver.hpp>
#include <vlt/models/vit_projector.hpp>
#include <vlt/nn/checkpoint.hpp>
#include <vlt/pretrained/model_kinds.hpp>

// The bodies behind model_kinds.hpp: only files that instantiate a kind include this.
namespace vlt {

template <Precision F, Tuning T> AnyVision<F> make_vision(const ClipSizes& sizes, bool checkpoint) {
  using P = Policy<Device::cpu, F, T>;
  if (checkpoint && T != Tuning::frozen) return AnyVision<F>(ClipVit<P, Checkpoint<ClipBlock<P>>>(sizes));
  return AnyVision<F>(ClipVit<P>(sizes));
}

template <Precision F, Tuning T, class Mask> AnyLanguage<F> make_language(const LlamaSizes& sizes, bool checkpoint) {
  using P = Policy<Device::cpu, F, T>;
  using Block = LlamaBlock<P, Mask>;
  if (checkpoint) return AnyLanguage<F>(LlamaDecoder<P, Checkpoint<Block>>(sizes));
  return AnyLanguage<F>(LlamaDecoder<P, Block>(sizes));
}

template <Precision F, ProjectorKind K> AnyProjector<F> make_projector(const ProjectorSizes& c) {
  using P = any_policy<F>;
  if constexpr (K == ProjectorKind::baseline)
    return AnyProjector<F>(baseline_projector<P>(c.vision_width, c.text_width));
  else if constexpr (K == ProjectorKind::vit) return AnyProjector<F>(vit_projector<P>(c.vision_block, c.text_width));
  else if constexpr (K == ProjectorKind::mlp)
    return AnyProjector<F>(mlp_projector<P>(c.vision_width, c.text_width, c.mlp));
  else return AnyProjector<F>(perceiver_projector<P>({c.vision_width, c.text_width, c.patches, c.class_token}));
}

}  // namespace vlt
