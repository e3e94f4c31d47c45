#pragma once
#include <sstream>
#include <vlt/nn/registry.hpp>
#include <vlt/optim/parameter_groups.hpp>
#include <vlt/program/options.hpp>

namespace vlt {

// Low-rank adapters of one component: which of its linear layers, and how large.
struct AdapterChoice {
  Index rank = 0;
  double alpha = 0;
  Words names;  // parts of full names
};

// What a user wants to train, component by component. What lies under an adapter was frozen when that was attached, and
// stays so.
struct TrainingChoice {
  bool vision = false, language = false, embedding = true;
  AdapterChoice vision_adapters, language_adapters;

  // The narrowest kind of a component that can do it.
  static Tuning tuning(bool trains, const AdapterChoice& a) {
    return trains ? Tuning::trainable : a.rank > 0 ? Tuning::adapted : Tuning::frozen;
  }
  Tuning vision_tuning() const { return tuning(vision, vision_adapters); }
  Tuning language_tuning() const { return tuning(language, language_adapters); }

  template <Precision F, Device D> bool selects(const ParamRef<F, D>& p) const {
    if (!p.trains() || p.adapter || p.component == ComponentKind::projector) return p.trains();
    if (p.component == ComponentKind::vision) return vision;
    return p.role == Role::embedding ? embedding : language;
  }
};

inline Words comma_separated(const std::string& text) {
  Words words;
  std::istringstream in(text);
  for (std::string word; std::getline(in, word, ',');)
    if (!word.empty()) words.push_back(word);
  return words;
}

inline TrainingChoice training_choice(const SftOptions& o) {
  const auto adapters = [&](Index rank, const std::string& names) {
    return AdapterChoice{rank, o.lora_alpha.value_or(2.0 * double(rank)), comma_separated(names)};
  };
  const bool embedding = o.model_architecture == "default" ? !o.only_optimize_lora : o.lang_decoder_update;
  return {o.vis_encoder_update, o.lang_decoder_update, embedding, adapters(o.vis_lora_dim, o.vis_lora_module_name),
          adapters(o.lang_lora_dim, o.lang_lora_module_name)};
}

// Attaches the adapters of one component. `option` is named when nothing matches.
template <Precision F, Device D>
void attach(const Registry<F, D>& registry, ComponentKind component, const AdapterChoice& a,
            const std::string& option) {
  if (a.rank == 0) return;
  Words names;
  bool found = false;
  for (const LinearRef& l : registry.linears) {
    if (l.component != component) continue;
    names.push_back(l.name);
    found |= l.matches(a.names);
  }
  if (!found) {
    std::string some;
    for (std::size_t i = 0; i < names.size() && i < 8; ++i) some += (i ? ", " : "") + names[i];
    refuse_option(Complaint("OPT-LORA-014", "no linear layer's name contains this")
                      .at("--" + option)
                      .expected("a part of one of: " + some + (names.size() > 8 ? ", ..." : ""))
                      .found(quoted(option_text::joined(a.names, ","))));
  }
  attach_adapters(registry, a.names, a.rank, a.alpha, component);
}

// Freezes what is not asked for. Something must be left.
template <IsPolicy P, class Model> registry_t<P> choose_training(Model& model, const TrainingChoice& choice) {
  auto registry = choose<P>(model, [&](const auto& p) { return choice.selects(p); });
  if (std::none_of(registry.params.begin(), registry.params.end(), [](const auto& p) { return p.trains(); }))
    refuse_option(Complaint("OPT-TRAIN-015", "nothing would train: 0 trainable parameters").at("command line"));
  return registry;
}

}  // namespace vlt
