#pragma once
#include <vlt/options/compiled_in.hpp>
#include <vlt/pretrained/choose_training.hpp>
#include <vlt/pretrained/model_description.hpp>
#include <vlt/pretrained/model_kinds.hpp>

namespace vlt {

// Puts a model together from the kinds a program has, with adapters attached and what trains chosen; it has no memory
// yet. Of the compiled-in kinds the narrowest that can do what is asked is taken.
template <IsPolicy P> class ModelBuilder {
 public:
  ModelBuilder(const ModelKinds<P>& kinds, const CompiledIn& compiled, const ModelDescription& m)
      : kinds_(kinds), compiled_(compiled), m_(m) {}

  // For training: what is asked for trains, the rest is frozen.
  AnyVlm<P> build(const TrainingChoice& choice, bool checkpoint) const {
    AnyVlm<P> model = assembled(choice, checkpoint);
    choose_training<P>(model, choice);
    return model;
  }
  // For answers: nothing trains, adapters are there to be used.
  AnyVlm<P> attached(const AdapterChoice& vision, const AdapterChoice& language) const {
    return assembled({false, false, false, vision, language}, false);
  }

 private:
  const ModelKinds<P>& kinds_;
  const CompiledIn& compiled_;
  const ModelDescription& m_;

  AnyVlm<P> assembled(const TrainingChoice& choice, bool checkpoint) const {
    AnyVlm<P> model{vision(choice.vision_tuning(), checkpoint), projector(),
                    language(choice.language_tuning(), checkpoint)};
    attach(registry_of<P>(model), ComponentKind::vision, choice.vision_adapters);
    attach(registry_of<P>(model), ComponentKind::language, choice.language_adapters);
    return model;
  }
  // The first compiled-in kind from `least` on that `find` knows.
  template <class Find> auto narrowest(Tuning least, Find&& find) const {
    for (const Tuning t : tunings)
      if (t >= least)
        if (const auto make = find(t)) return make;
    CompiledIn::need(name(least), compiled_.tunings, "TUNINGS", "the tuning that this needs");
    throw std::logic_error("a compiled-in kind of component is missing from the program's list");
  }
  template <class Map, class Key> static auto found(const Map& map, const Key& key) {
    const auto at = map.find(key);
    return at == map.end() ? nullptr : at->second;
  }
  AnyVision<P> vision(Tuning least, bool checkpoint) const {
    return narrowest(least, [&](Tuning t) { return found(kinds_.vision, t); })(m_.vision_sizes, checkpoint);
  }
  AnyLanguage<P> language(Tuning least, bool checkpoint) const {
    CompiledIn::need(m_.language.family, compiled_.families, "FAMILIES", m_.folders.language);
    CompiledIn::need(name(m_.mask), compiled_.masks, "MASKS", m_.mask_from.place);
    const auto make = narrowest(least, [&](Tuning t) {
      return found(kinds_.language, LanguageKind{m_.language.family, m_.mask, t});
    });
    return make(m_.language_sizes, checkpoint);
  }
  AnyProjector<P> projector() const {
    CompiledIn::need(m_.projector.name, compiled_.projectors, "PROJECTORS", m_.projector_from.place);
    return kinds_.projector.at(m_.projector.name)(m_.projector_sizes);
  }
};

}  // namespace vlt
