#pragma once
#include <vector>
#include <vlt/optim/parameter_store.hpp>

namespace vlt::test {

// Every number of a store becomes another one: the next is an eighth larger, behind `first`.
template <class Store> void fill_differently(Store& store, float first) {
  store.fill([next = first](const auto&, Index) mutable { return next += 0.125f; });
}
// All numbers of a store, parameter by parameter.
template <class Store> std::vector<float> values_of(const Store& store) {
  std::vector<float> all, one;
  for (std::size_t i = 0; i < store.registry().params.size(); ++i) {
    one.resize(std::size_t(store.registry().params[i].value->size()));
    store.read(int(i), 0, one);
    all.insert(all.end(), one.begin(), one.end());
  }
  return all;
}

}  // namespace vlt::test
