#pragma once
#include <deque>
#include <functional>
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
      const auto number = [&] {
        return typename roles::master(scale * normal(rng) + (p.one_dimensional() ? 0.7 : 0.0));
      };
      if (p.exact) *p.exact = filled<typename roles::accum>(exact_, p.value->size(), number);
      else p.value->data = filled<typename roles::operand>(values_, p.value->size(), number);
      if (p.grad) p.grad->data = grads_.emplace_back(p.value->size()).address();
    }
  }

 private:
  template <class T>
  static Address<T, D> filled(std::deque<Buffer<T, D>>& all, Index size,
                              const std::function<typename roles::master()>& number) {
    std::vector<T> v(static_cast<std::size_t>(size));
    for (T& x : v) x = T(number());
    all.emplace_back(size).copy_from_host(v);
    return all.back().address();
  }

  std::deque<Buffer<typename roles::accum, D>> exact_;
  std::deque<Buffer<typename roles::operand, D>> values_;
  std::deque<Buffer<typename roles::grad, D>> grads_;
};

}  // namespace vlt::testing
