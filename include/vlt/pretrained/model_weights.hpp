#pragma once
#include <vlt/hub/adapter_folder.hpp>
#include <vlt/hub/llava_folder.hpp>
#include <vlt/hub/projector_folder.hpp>
#include <vlt/optim/initialise.hpp>
#include <vlt/optim/parameter_store.hpp>
#include <vlt/pretrained/model_description.hpp>

namespace vlt {

// What was found while a model's weights were read and is needed when it is written again.
struct WeightOrigin {
  hub::NameMap vision_names = hub::same_name;  // of a LLaVA: all names
  std::vector<hub::KeptTensor> vision_kept;
  Index grown_rows = 0;                             // of the embedding
  std::map<ComponentKind, hub::StoredType> stored;  // by component: the type that holds all that was read without loss
  std::vector<std::string> warnings;
};

inline hub::ProjectorConfig projector_config_of(const ModelDescription& m) {
  const ProjectorSizes& s = m.projector_sizes;
  hub::ProjectorConfig c{m.projector.name, {{"vision_width", s.vision_width}, {"text_width", s.text_width}}};
  for (const NamedSize& own : m.projector.folder_sizes(s)) c.sizes.emplace_back(own.key, own.value);
  return c;
}

// The folders of a model, opened and compared with what is to be built; only headers are read. Missing, unexpected and
// misshaped tensors are refused here, before anything large is allocated.
template <IsPolicy P> class ModelWeights {
 public:
  ModelWeights(const registry_t<P>& registry, const ModelDescription& m) : m_(m) {
    if (m.llava) one_folder(registry);
    else three_folders(registry);
    adapters(registry, m.folders.language_adapter, ComponentKind::language);
    adapters(registry, m.folders.vision_adapter, ComponentKind::vision);
  }

  // Begins what no folder holds (values by seed and name), reads the rest.
  WeightOrigin read_into(store_t<P>& store, Threads& threads, std::uint64_t seed) {
    initialise(store, threads, seed, [this](const ParamRef<P::precision, P::device>& p) { return is_new(p); });
    for (const hub::LoadPlan& plan : plans_) {
      hub::LoadedWeights found = hub::load_weights(plan, store);
      remember_types(store.registry(), plan);
      origin_.grown_rows += found.grown_rows;
      for (auto& k : found.kept) origin_.vision_kept.push_back(std::move(k));
      for (auto& w : found.warnings) origin_.warnings.push_back(std::move(w));
    }
    for (const hub::LoadPlan& plan : adapter_plans_) hub::load_weights(plan, store);
    return origin_;
  }

 private:
  const ModelDescription& m_;
  std::deque<hub::WeightFolder> folders_;
  std::vector<hub::LoadPlan> plans_, adapter_plans_;
  WeightOrigin origin_;

  bool is_new(const ParamRef<P::precision, P::device>& p) const {
    const ModelFolders& f = m_.folders;
    if (p.component == ComponentKind::projector) return f.projector.empty();
    return p.adapter && (p.component == ComponentKind::vision ? f.vision_adapter : f.language_adapter).empty();
  }
  void remember_types(const registry_t<P>& registry, const hub::LoadPlan& plan) {
    for (const hub::loading::Source& s : plan.sources) {
      const hub::StoredType type = s.place.tensor->type;
      const auto [at, first] = origin_.stored.emplace(registry.params[std::size_t(s.param)].component, type);
      if (!first) at->second = hub::holds_both(at->second, type);
    }
  }
  void one_folder(const registry_t<P>& registry) {
    open(m_.folders.language, [&](const hub::WeightFolder& f) {
      const hub::WeightRules rules = hub::llava_rules(*m_.llava, f, m_.vision_sizes.depth);
      origin_.vision_names = rules.stored_as;
      return hub::plan_load(registry, f, rules);
    });
  }
  void three_folders(const registry_t<P>& registry) {
    const ModelDescription& m = m_;
    open(m.folders.language,
         [&](const hub::WeightFolder& f) { return hub::plan_load(registry, f, hub::language_rules(m.language)); });
    open(m.folders.vision, [&](const hub::WeightFolder& f) {
      const hub::WeightRules rules = hub::vision_rules(m.vision, f, m.vision_sizes.depth);
      origin_.vision_names = rules.stored_as;
      return hub::plan_load(registry, f, rules);
    });
    if (m.folders.projector.empty()) return;
    hub::require_same_projector(Folder(m.folders.projector), projector_config_of(m), m.limits);
    open(m.folders.projector,
         [&](const hub::WeightFolder& f) { return hub::plan_load(registry, f, hub::projector_rules()); });
  }
  template <class Compare> void open(const std::string& folder, Compare&& compare) {
    folders_.emplace_back(Folder(folder), "model", m_.limits);
    plans_.push_back(compare(folders_.back()));
  }
  void adapters(const registry_t<P>& registry, const std::string& folder, ComponentKind component) {
    if (folder.empty()) return;
    folders_.emplace_back(Folder(folder), "adapter_model", m_.limits);
    adapter_plans_.push_back(
        hub::plan_adapters(registry, folders_.back(), component, m_.vision_sizes.depth, m_.vision.sizes.depth));
  }
};

}  // namespace vlt
