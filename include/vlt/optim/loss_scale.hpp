#pragma once
#include <algorithm>
#include <cmath>
#include <vlt/base/policy.hpp>

namespace vlt {

// What losses are multiplied by, so that gradients in half precision do not vanish (Micikevicius et al. 2018): a power
// of two, which rounds nothing. It is halved whenever they are not finite, and doubled after `window` steps in a row in
// which they were: torch's GradScaler with growth_interval = window.
struct LossScale {
  static constexpr Index window = 100;
  static constexpr Index smallest = 0, largest = 127;  // of a float

  Index power = 16;
  Index clean = 0;  // steps since a step was skipped or the scale grew

  double factor() const { return std::ldexp(1.0, int(power)); }
  bool can_fall() const { return power > smallest; }
  void step_done(bool finite) {
    clean = finite ? clean + 1 : 0;
    if (!finite) power = std::max(smallest, power - 1);
    else if (clean == window) power = std::min(largest, power + 1), clean = 0;
  }
  bool operator==(const LossScale&) const = default;
};

// Is a precision's range so small that it needs one?
constexpr bool scales_loss(Precision p) { return p == Precision::f16; }

}  // namespace vlt
