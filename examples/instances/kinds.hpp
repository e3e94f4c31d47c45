#pragma once
#include <instances/compiled_in.hpp>
#include <vlt/ops/mask.hpp>
#include <vlt/pretrained/model_kinds.hpp>
#include <vlt/program/compiled_in.hpp>

// What the VLT_SFT_* lists of this build put into the programs.
namespace vlt {

template <Precision F, Tuning T> void add_kinds(ModelKinds<F>& kinds) {
  kinds.vision[T] = make_vision<F, T>;
#define VLT_LANGUAGE(Mask) kinds.language[{#Mask, T}] = make_language<F, T, mask::Mask>;
  VLT_FOR_EACH_MASK(VLT_LANGUAGE)
#undef VLT_LANGUAGE
}

template <Precision F> ModelKinds<F> compiled_in_kinds() {
  ModelKinds<F> kinds;
#define VLT_TUNING(T) add_kinds<F, Tuning::T>(kinds);
  VLT_FOR_EACH_TUNING(VLT_TUNING)
#undef VLT_TUNING
#define VLT_PROJECTOR(K) kinds.projector[#K] = make_projector<F, ProjectorKind::K>;
  VLT_FOR_EACH_PROJECTOR(VLT_PROJECTOR)
#undef VLT_PROJECTOR
  return kinds;
}

inline CompiledIn compiled_in() {
  return {VLT_VERSION, VLT_SFT_DEVICES, VLT_SFT_PRECISIONS, VLT_SFT_PROJECTORS, VLT_SFT_MASKS, VLT_SFT_TUNINGS};
}

}  // namespace vlt
