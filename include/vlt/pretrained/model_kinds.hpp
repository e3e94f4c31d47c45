#pragma once
#include <map>
#include <string>
#include <utility>
#include <vlt/models/any_component.hpp>
#include <vlt/models/sizes.hpp>
#include <vlt/models/vlm.hpp>

namespace vlt {

// A model whose parts were chosen at run time: one type for each precision, whatever the parts are.
template <Precision F> using any_policy = Policy<Device::cpu, F, Tuning::trainable>;
template <Precision F>
using AnyVision =
    AnyComponent<any_policy<F>, stream_t<any_policy<F>, space::pixels>, stream_t<any_policy<F>, space::vision>>;
template <Precision F>
using AnyProjector =
    AnyComponent<any_policy<F>, stream_t<any_policy<F>, space::vision>, stream_t<any_policy<F>, space::text>>;
template <Precision F> using AnyLanguage = AnyDecoder<any_policy<F>>;
template <Precision F> using AnyVlm = Vlm<AnyVision<F>, AnyProjector<F>, AnyLanguage<F>>;

// What a program can build: a function for each kind that was compiled in. Kinds add, they do not multiply.
template <Precision F> struct ModelKinds {
  std::map<Tuning, AnyVision<F> (*)(const ClipSizes&, bool checkpoint)> vision;
  std::map<std::pair<std::string, Tuning>, AnyLanguage<F> (*)(const LlamaSizes&, bool checkpoint)> language;
  std::map<std::string, AnyProjector<F> (*)(const ProjectorSizes&)> projector;
};

// Each of these is instantiated explicitly, once, in a file of its own (make_model_kinds.hpp has the bodies).
template <Precision F, Tuning T> AnyVision<F> make_vision(const ClipSizes& sizes, bool checkpoint);
template <Precision F, Tuning T, class Mask> AnyLanguage<F> make_language(const LlamaSizes& sizes, bool checkpoint);
enum class ProjectorKind { baseline, vit, perceiver, mlp };
template <Precision F, ProjectorKind K> AnyProjector<F> make_projector(const ProjectorSizes& sizes);

}  // namespace vlt
