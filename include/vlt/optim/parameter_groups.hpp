#pragma once
#include <optional>
#include <vector>
#include <vlt/nn/component_kind.hpp>
#include <vlt/nn/registry.hpp>

namespace vlt {

// Peak learning rates as a person gives them: one for what is new (projector, adapters), one for what was pre-trained
// (0: the same), and overrides by component, which hold for its adapters too.
struct PeakRates {
  double learning_rate = 1e-3;
  double pretrained = 0;
  PerComponent<std::optional<double>> component{};

  double of(ComponentKind kind, bool adapter) const {
    if (component[kind]) return *component[kind];
    const bool is_new = adapter || kind == ComponentKind::projector;
    return is_new || pretrained == 0 ? learning_rate : pretrained;
  }
};

// One rate per parameter of the registry: ParameterStore::update() takes them times the schedule's factor.
template <Precision F, Device D> std::vector<double> peak_rates(const Registry<F, D>& registry, const PeakRates& peak) {
  std::vector<double> rate;
  for (const auto& p : registry.params) rate.push_back(peak.of(p.component, p.adapter));
  return rate;
}

// What a component holds, and how much of it trains, in elements.
struct ComponentCount {
  Index parameters = 0, trained = 0, decayed = 0;
};
template <Precision F, Device D> PerComponent<ComponentCount> count_parameters(const Registry<F, D>& registry) {
  PerComponent<ComponentCount> count{};
  for (const auto& p : registry.params) {
    ComponentCount& c = count[p.component];
    c.parameters += p.value->size();
    if (p.trains()) c.trained += p.value->size();
    if (p.trains() && p.decay) c.decayed += p.value->size();
  }
  return count;
}

}  // namespace vlt
