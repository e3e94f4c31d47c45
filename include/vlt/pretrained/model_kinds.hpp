#pragma once
#include <map>
#include <string>
#include <vlt/models/any_component.hpp>
#include <vlt/models/sizes.hpp>
#include <vlt/models/vlm.hpp>
#include <vlt/ops/mask.hpp>

namespace vlt {

// A model whose parts were chosen at run time: one type for each device and precision, whatever the parts are. P is the
// policy in which everything may train.
template <IsPolicy P> using AnyVision = AnyComponent<P, stream_t<P, space::pixels>, stream_t<P, space::vision>>;
template <IsPolicy P> using AnyProjector = AnyComponent<P, stream_t<P, space::vision>, stream_t<P, space::text>>;
template <IsPolicy P> using AnyLanguage = AnyDecoder<P>;
template <IsPolicy P> using AnyVlm = Vlm<AnyVision<P>, AnyProjector<P>, AnyLanguage<P>>;

// By what a decoder is found among those that were compiled in.
struct LanguageKind {
  std::string family;
  MaskKind mask = MaskKind::causal;
  Tuning tuning = Tuning::trainable;
  auto operator<=>(const LanguageKind&) const = default;
};

// What a program can build in one precision: a function for each kind that was compiled in. Kinds add, they do not
// multiply.
template <IsPolicy P> struct ModelKinds {
  std::map<Tuning, AnyVision<P> (*)(const ClipSizes&, bool checkpoint)> vision;
  std::map<LanguageKind, AnyLanguage<P> (*)(const LlamaSizes&, bool checkpoint)> language;
  std::map<std::string, AnyProjector<P> (*)(const ProjectorSizes&)> projector;
};

// Each of these is instantiated explicitly, once, in a file of its own; make_vision.hpp and its siblings have the
// bodies. The tuning of P is the component's; Family and Kind are types as in families.hpp and projector_kinds.hpp.
template <IsPolicy P> AnyVision<typename P::trainable> make_vision(const ClipSizes& sizes, bool checkpoint);
template <IsPolicy P, class Family, MaskKind M>
AnyLanguage<typename P::trainable> make_language(const LlamaSizes& sizes, bool checkpoint);
template <IsPolicy P, class Kind> AnyProjector<P> make_projector(const ProjectorSizes& sizes);

}  // namespace vlt
