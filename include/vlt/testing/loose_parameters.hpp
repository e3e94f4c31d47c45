#pragma once
#include <deque>
#include <random>
#include <vlt/nn/registry.hpp>

namespace vlt::testing {

// Gives every parameter of a layer memory and random, non-neutral values. For layers tested alone, without a
// ParameterStore.
template <Precision F> class LooseParameters {
 public:
  using roles = roles_of<F>;
  explicit LooseParameters(Registry<F>& registry, unsigned seed = 1, double scale = 0.4) {
    std::mt19937 rng(seed);
    std::normal_distribution<double> normal;
    for (auto& p : registry.params) {
      auto& v = values_.emplace_back(p.value->size());
      for (auto& x : v)
        x = typename roles::operand(typename roles::master(scale * normal(rng) + (p.one_dimensional() ? 0.7 : 0.0)));
      p.value->data = v.data();
      if (p.grad) p.grad->data = grads_.emplace_back(p.value->size()).data();
    }
  }

 private:
  std::deque<std::vector<typename roles::operand>> values_;
  std::deque<std::vector<typename roles::grad>> grads_;
};

}  // namespace vlt::testing
