#pragma once
#include <string>
#include <unit/device.hpp>
#include <vector>
#include <vlt/optim/parameter_store.hpp>

namespace vlt {

// A few parameters of two units without any layers around them: sizes off every granule.
template <Precision F> struct LooseModel {
  using P = Policy<Device::cpu, F>;
  param_t<P> weight{Shape{7, 13}, Role::matrix}, bias{Shape{1, 7}, Role::bias};
  param_t<P> still{Shape{5, 9}, Role::matrix}, second{Shape{33, 70}, Role::matrix};

  LooseModel() { still.choose(false); }
  Registry<F> registry() {
    Registry<F> r;
    r.units = 2;
    r.unit = 0, r.component = ComponentKind::projector;
    r.add(weight, {{"weight", 0, 7}});
    r.add(bias, {{"bias", 0, 1}});
    r.add(still, {{"still", 0, 5}});
    r.unit = 1, r.component = ComponentKind::language;
    r.add(second, {{"second", 0, 33}});
    return r;
  }
};

inline std::vector<float> ramp(Index n, float scale) {
  std::vector<float> x(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = scale * (float(i) + 0.123f);
  return x;
}

}  // namespace vlt
