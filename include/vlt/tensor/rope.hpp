#pragma once
#include <cmath>
#include <vector>
#include <vlt/base/config.hpp>

namespace vlt {

// Rotary positions: pair i of a head turns by position * frequency (Su et al. 2021). Variants differ in these numbers
// only; `dynamic` ones also in the length of the sequence they serve.
struct Rope {
  std::vector<double> frequency;  // (head_dim / 2); empty: no rotation
  double dynamic_factor = 0;      // > 0: sequences longer than trained_length slow down (HF's "dynamic")
  Index trained_length = 0;

  static Rope plain(Index head_dim, double theta) {
    Rope r;
    for (Index i = 0; i < head_dim / 2; ++i)
      r.frequency.push_back(std::pow(theta, -2.0 * double(i) / double(head_dim)));
    return r;
  }
  // theta grows by stretch^(d / (d - 2)), which multiplies frequency i by stretch^(-2 i / (d - 2)).
  double at(Index i, Index length) const {
    if (dynamic_factor <= 0 || length <= trained_length) return frequency[i];
    const double stretch = dynamic_factor * double(length) / double(trained_length) - (dynamic_factor - 1);
    return frequency[i] * std::pow(stretch, -double(i) / double(Index(frequency.size()) - 1));
  }
};

}  // namespace vlt
