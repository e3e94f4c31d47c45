#pragma once
#include <string>
#include <unit/device.hpp>
#include <vector>
#include <vlt/optim/update.hpp>

namespace vlt {

// A few parameters of two units without any layers around them: sizes off every granule.
template <Precision F> struct LooseModel {
  using P = Policy<under_test, F>;
  param_t<P> weight{Shape{7, 13}, Role::matrix}, bias{Shape{1, 7}, Role::bias};
  param_t<P> still{Shape{5, 9}, Role::matrix}, second{Shape{33, 70}, Role::matrix};

  LooseModel() { still.choose(false); }
  registry_t<P> registry() {
    registry_t<P> r;
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

// Updates a part of a unit, or all of it, as a step does.
template <Precision F, Device D>
void update(ParameterStore<F, D>& store, Threads& threads, int unit, const UpdateStep& step, Range part) {
  const Buffer<std::byte, D> none;
  Arena arena(none);
  Scope s(arena, threads);
  update_unit(s, store.layout(), &store, unit, part, step);
}
template <Precision F, Device D>
void update(ParameterStore<F, D>& store, Threads& threads, int unit, const UpdateStep& step) {
  update(store, threads, unit, step, store.unit(unit).all);
}

}  // namespace vlt
