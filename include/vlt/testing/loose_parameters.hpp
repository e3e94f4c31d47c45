#pragma once
#include <deque>
#include <random>
#include <vlt/nn/registry.hpp>
#include <vlt/tensor/buffer.hpp>

namespace vlt::testing {

// Gives every parameter of a layer memory and random, non-neutral values. For layers tested alone, without a
// ParameterStore.
template <Precision F, Device D> class LooseParameters {
 public:
  using roles = roles_of<F>;
  explicit LooseParameters(Registry<F, D>& registry, unsigned seed = 1, double scale = 0.4) {
    std::mt19937 rng(seed);
    std::normal_distribution<double> normal;
    for (auto& p : registry.params) {
      std::vector<typename roles::operand> v(std::size_t(p.value->size()));
      for (auto& x : v)
        x = typename roles::operand(typename roles::master(scale * normal(rng) + (p.one_dimensional() ? 0.7 : 0.0)));
      values_.emplace_back(p.value->size()).copy_from_host(v);
      p.value->data = values_.back().address();
      if (p.grad) p.grad->data = grads_.emplace_back(p.value->size()).address();
    }
  }

 private:
  std::deque<Buffer<typename roles::operand, D>> values_;
  std::deque<Buffer<typename roles::grad, D>> grads_;
};

}  // namespace vlt::testing
