#pragma once
#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>
#include <vlt/tensor/matrix.hpp>

namespace vlt::testing {

// One tensor of a function under test: where its values are, and the gradient that is claimed for them.
struct Tensor {
  std::string name;
  double* value;
  const double* grad;
  Index size;
};

// How well claimed gradients agree with differences, relative to the size of the derivative.
struct Agreement {
  double worst = 0, largest = 0;
  std::string where;              // the worst tensor
  std::vector<std::string> flat;  // tensors whose derivative was zero everywhere it was tried
};

// Fourth-order central difference of f along `direction`, in double: error about 1e-11 for smooth functions of order
// one.
template <class F> double directional(const Tensor& t, const std::vector<double>& direction, F&& f) {
  const std::vector<double> home(t.value, t.value + t.size);
  const double h = 3e-4;
  const auto at = [&](double step) {
    for (Index i = 0; i < t.size; ++i) t.value[i] = home[i] + step * direction[i];
    const double y = f();
    std::copy(home.begin(), home.end(), t.value);
    return y;
  };
  return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
}

// Compares three random directions and up to eight single entries of every tensor.
template <class F> Agreement compare_with_differences(const std::vector<Tensor>& tensors, F&& f, unsigned seed = 5) {
  std::mt19937 rng(seed);
  std::normal_distribution<double> normal;
  Agreement a;
  for (const Tensor& t : tensors) {
    double moved = 0;
    std::vector<double> direction(t.size);
    const Index entries = std::min<Index>(8, t.size);
    for (Index trial = 0; trial < 3 + entries; ++trial) {
      if (trial < 3)
        for (double& d : direction) d = normal(rng) / std::sqrt(double(t.size));
      else
        std::fill(direction.begin(), direction.end(), 0.0),
            direction[entries == t.size ? trial - 3 : Index(rng() % t.size)] = 1;
      double claimed = 0;
      for (Index i = 0; i < t.size; ++i) claimed += direction[i] == 0 ? 0 : direction[i] * t.grad[i];
      const double numeric = directional(t, direction, f);
      const double off = std::abs(numeric - claimed) / std::max(1.0, std::abs(numeric));
      moved = std::max(moved, std::abs(numeric));
      if (!(off <= a.worst)) a.worst = off, a.where = t.name;  // NaN counts as worst
    }
    a.largest = std::max(a.largest, moved);
    if (moved < 1e-6) a.flat.push_back(t.name);
  }
  return a;
}

}  // namespace vlt::testing
