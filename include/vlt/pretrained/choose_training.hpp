#pragma once
#include <algorithm>
#include <vlt/base/quoted.hpp>
#include <vlt/io/blame.hpp>
#include <vlt/nn/registry.hpp>
#include <vlt/options/option_table.hpp>

namespace vlt {

// Low-rank adapters of one component: which of its linear layers, how large, and who asks for them.
struct AdapterChoice {
  Index rank = 0;
  double alpha = 0;
  std::vector<std::string> names;  // parts of full names
  Provenance from{blame_option, {}};
  std::vector<std::string> repeated = {};  // an option's names beside a folder's: they must name the same layers
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

namespace choosing {

// Every part that a user gives must name a layer: one that is misspelt would leave its layers out in silence. Of a
// folder's parts one is enough; its tensors say what there is.
template <Precision F, Device D>
void require_named(const Registry<F, D>& registry, ComponentKind component, const AdapterChoice& a) {
  std::vector<std::string> names, nameless;
  for (const LinearRef& l : registry.linears)
    if (l.component == component) names.push_back(l.name);
  for (const std::string& part : a.names)
    if (std::none_of(names.begin(), names.end(), [&](const std::string& name) { return name.find(part) != name.npos; }))
      nameless.push_back(part);
  const bool all = a.from.blame.exit == ExitCode::usage;
  if (!a.names.empty() && (all ? nameless.empty() : nameless.size() < a.names.size())) return;
  const std::size_t shown = std::min<std::size_t>(8, names.size());
  a.from.raise(Complaint("LORA-014", "no linear layer's name contains this")
                   .expected("a part of one of: " + option_text::joined({names.begin(), names.begin() + shown}, ", ") +
                             (shown < names.size() ? ", ..." : ""))
                   .found(quoted(option_text::joined(nameless, ","))));
}

// A run that goes on with a folder's adapters may say again which layers they are on, and no others.
template <Precision F, Device D>
void require_repeated(const Registry<F, D>& registry, ComponentKind component, const AdapterChoice& a) {
  if (a.repeated.empty()) return;
  for (const LinearRef& l : registry.linears)
    if (l.component == component && l.matches(a.names) != l.matches(a.repeated))
      blame_option.raise(
          Complaint("CHECKPOINT-019", "this contradicts the model in --from_checkpoint")
              .at(component == ComponentKind::vision ? "--vis_lora_module_name" : "--lang_lora_module_name")
              .expected("the layers that have adapters in " + a.from.place)
              .found(std::string(l.matches(a.repeated) ? "also " : "not ") + l.name)
              .help("leave the option out, or name another folder"));
}

}  // namespace choosing

// Attaches the adapters of one component.
template <Precision F, Device D>
void attach(const Registry<F, D>& registry, ComponentKind component, const AdapterChoice& a) {
  if (a.rank == 0) return;
  choosing::require_named(registry, component, a);
  choosing::require_repeated(registry, component, a);
  attach_adapters(registry, a.names, a.rank, a.alpha, component);
}

// Freezes what is not asked for. Something must be left.
template <IsPolicy P, class Model> registry_t<P> choose_training(Model& model, const TrainingChoice& choice) {
  auto registry = choose<P>(model, [&](const auto& p) { return choice.selects(p); });
  if (std::none_of(registry.params.begin(), registry.params.end(), [](const auto& p) { return p.trains(); }))
    blame_option.raise(Complaint("TRAIN-015", "nothing would train: 0 trainable parameters").at("command line"));
  return registry;
}

}  // namespace vlt
