#pragma once
#include <vlt/optim/parameter_store.hpp>

namespace vlt {

// What holds for all parameters in one update.
struct UpdateStep {
  std::span<const double> rates;  // a learning rate for each parameter of the registry
  double clip = 1;                // what gradients are multiplied by first
  Index number = 1;               // from 1
};

// A packed weight that trains takes its panels from the master.
template <Precision F, Device D> void pack_master(Scope& s, ParameterStore<F, D>* store, int param, Index elements) {
  const double bytes = double(elements) * double(sizeof(typename roles_of<F>::master));
  s.run("pack", {0, 2 * bytes}, [&] { store->pack_master(s.threads(), param); });
}

// Updates the elements `part` of a unit, compute copies included. Without a store it plans.
template <Precision F, Device D>
void update_unit(Scope& s, const StoreLayout<F, D>& layout, ParameterStore<F, D>* store, int unit, Range part,
                 const UpdateStep& step) {
  using Roles = roles_of<F>;
  const UnitLayout& u = layout.units()[unit];
  for (const Slot& slot : u.trained) {
    const Range r = intersection(slot.range, part);
    if (r.size() == 0) continue;
    const bool packed = u.packs(slot);
    require(!packed || r == slot.range, "a packed weight is updated whole");
    ParameterUpdate<F, D> p{.gradient = planned_row<typename Roles::grad, D>(r),
                            .master = planned_row<typename Roles::master, D>(r),
                            .compute = {},
                            .state = {},
                            .range = r,
                            .clip = step.clip,
                            .number = step.number};
    const bool rounds = !packed && !u.exact;  // the compute copy is the master, rounded
    if (rounds) p.compute = planned_row<typename Roles::operand, D>(r);
    if (store) {
      auto& held = store->unit(unit);
      p.gradient = held.grads.row(r), p.master = held.master.row(r), p.state = held.state;
      if (rounds) p.compute = held.weights.row(r);
      p.rate = step.rates[slot.param], p.decays = store->registry().params[slot.param].decay;
    }
    layout.optimizer().update(s, p);
    if (packed) pack_master(s, store, slot.param, r.size());
  }
}

// Compute copies of the elements `part` of a unit become their masters, rounded: for masters that were loaded.
template <Precision F, Device D> void round_masters(Scope& s, ParameterStore<F, D>& store, int unit, Range part) {
  const auto& u = store.unit(unit);
  if (u.exact) return;
  for (const Slot& slot : u.trained) {
    const Range r = intersection(slot.range, part);
    if (r.size() == 0) continue;
    if (u.packs(slot)) pack_master(s, &store, slot.param, r.size());
    else ops::convert(s, u.master.row(r), u.weights.row(r));
  }
}

}  // namespace vlt
