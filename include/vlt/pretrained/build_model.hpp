#pragma once
#include <array>
#include <vlt/pretrained/choose_training.hpp>
#include <vlt/pretrained/model_description.hpp>
#include <vlt/program/compiled_in.hpp>

namespace vlt {

// Puts a model together from the kinds a program has, with adapters attached and what trains chosen; it has no memory
// yet. Of the compiled-in kinds the narrowest that can do what is asked is taken.
template <Precision F> class ModelBuilder {
 public:
  ModelBuilder(const ModelKinds<F>& kinds, const CompiledIn& compiled, const ModelDescription& m)
      : kinds_(kinds), compiled_(compiled), m_(m) {}

  // For training: what is asked for trains, the rest is frozen.
  AnyVlm<F> build(const TrainingChoice& choice, bool checkpoint) const {
    AnyVlm<F> model = assembled(choice, checkpoint);
    choose_training<any_policy<F>>(model, choice);
    return model;
  }
  // For answers: nothing trains, adapters are there to be used.
  AnyVlm<F> attached(const AdapterChoice& vision, const AdapterChoice& language) const {
    return assembled({false, false, false, vision, language}, false);
  }

 private:
  const ModelKinds<F>& kinds_;
  const CompiledIn& compiled_;
  const ModelDescription& m_;

  static constexpr std::array<const char*, 3> tuning_names{"frozen", "adapted", "trainable"};

  AnyVlm<F> assembled(const TrainingChoice& choice, bool checkpoint) const {
    AnyVlm<F> model{vision(choice.vision_tuning(), checkpoint), projector(),
                    language(choice.language_tuning(), checkpoint)};
    attach(registry_of<any_policy<F>>(model), ComponentKind::vision, choice.vision_adapters, "vis_lora_module_name");
    attach(registry_of<any_policy<F>>(model), ComponentKind::language, choice.language_adapters,
           "lang_lora_module_name");
    return model;
  }
  // The first compiled-in kind from `least` on that `find` knows.
  template <class Find> auto narrowest(Tuning least, Find&& find) const {
    for (Tuning t : {Tuning::frozen, Tuning::adapted, Tuning::trainable})
      if (t >= least)
        if (const auto make = find(t)) return make;
    const char* name = tuning_names[std::size_t(least)];
    CompiledIn::need(name, compiled_.tunings, "TUNINGS", std::string("what trains needs the tuning ") + name);
    throw std::logic_error("a compiled-in kind of component is missing from the program's list");
  }
  template <class Map, class Key> static auto found(const Map& map, const Key& key) {
    const auto at = map.find(key);
    return at == map.end() ? nullptr : at->second;
  }
  AnyVision<F> vision(Tuning least, bool checkpoint) const {
    return narrowest(least, [&](Tuning t) { return found(kinds_.vision, t); })(m_.vision_sizes, checkpoint);
  }
  AnyLanguage<F> language(Tuning least, bool checkpoint) const {
    CompiledIn::need(m_.mask == "Mmca" ? "mmca" : "causal", compiled_.masks, "MASKS", "enable_mmca_attention");
    return narrowest(least, [&](Tuning t) { return found(kinds_.language, std::pair(m_.mask, t)); })(m_.language_sizes,
                                                                                                     checkpoint);
  }
  AnyProjector<F> projector() const {
    CompiledIn::need(m_.projector_kind, compiled_.projectors, "PROJECTORS", "vis_proj");
    return kinds_.projector.at(m_.projector_kind)(m_.projector_sizes);
  }
};

template <Precision F> constexpr const char* precision_name() {
  return F == Precision::bf16 ? "bf16" : F == Precision::f32 ? "fp32" : "fp64";
}

}  // namespace vlt
