#pragma once
#include <deque>
#include <span>
#include <vlt/nn/registry.hpp>
#include <vlt/ops/adamw.hpp>

namespace vlt {

// Who holds what. One process holds everything; ZeRO leaves each rank an equal share of some of it.
struct Placement {
  int rank = 0, ranks = 1;
  bool share_optimizer = false, share_gradients = false, share_weights = false;
};

struct Range {
  Index begin = 0, end = 0;
  Index size() const { return end - begin; }
};

// Part of a unit's flat parameters: all of them, or one rank's share. Indexed by position in the whole.
template <class T> struct Flat {
  std::vector<T> data;
  Range range;
  void place(Range r) { range = r, data.assign(r.size(), T{}); }
  T* at(Index i) { return data.data() + (i - range.begin); }
  std::span<T> part(Range r) { return {at(r.begin), std::size_t(r.size())}; }
};

// Owns the memory of a model's parameters, unit by unit. What trains has five parallel flat buffers
// (compute copy, gradient, master, first and second moment), padded to the number of ranks; what is frozen has one.
template <Precision F> class ParameterStore {
 public:
  using roles = roles_of<F>;
  using operand = typename roles::operand;
  using grad_t = typename roles::grad;
  using master_t = typename roles::master;

  struct Slot {
    int param;    // index into registry().params
    Range range;  // its place in the unit
  };
  struct Unit {
    std::vector<Slot> trained, frozen;
    Range all, all_frozen, share, share_frozen;  // padded
    Flat<operand> weights, frozen_weights;
    Flat<grad_t> grads;
    Flat<master_t> master, m, v;
  };

  ParameterStore(Registry<F> registry, Placement placement)
      : registry_(std::move(registry)), placement_(placement), units_(registry_.units) {
    for (std::size_t i = 0; i < registry_.params.size(); ++i) {
      auto& p = registry_.params[i];
      require(p.unit >= 0, "parameter " + p.name() + " belongs to no unit");
      Unit& u = units_[p.unit];
      add(p.trains() ? u.trained : u.frozen, p.trains() ? u.all : u.all_frozen, int(i), p.value->size());
    }
    for (std::size_t i = 0; i < units_.size(); ++i) allocate(units_[i]), bind(int(i));
  }
  ParameterStore(const ParameterStore&) = delete;  // layers point into it

  Registry<F>& registry() { return registry_; }
  const Placement& placement() const { return placement_; }
  Unit& unit(int i) { return units_[i]; }
  int units() const { return int(units_.size()); }

  // value(p, e) is element e of parameter p; only what this rank holds is written.
  template <class Value> void fill(Value&& value) {
    for (Unit& u : units_) {
      for (const Slot& s : u.trained)
        for (Index i = s.range.begin; i < s.range.end; ++i) {
          const auto x = master_t(value(registry_.params[s.param], i - s.range.begin));
          if (inside(u.master.range, i)) *u.master.at(i) = x;
          if (inside(u.weights.range, i)) *u.weights.at(i) = operand(x);
        }
      for (const Slot& s : u.frozen)
        for (Index i = s.range.begin; i < s.range.end; ++i)
          if (inside(u.frozen_weights.range, i))
            *u.frozen_weights.at(i) = operand(master_t(value(registry_.params[s.param], i - s.range.begin)));
    }
  }

#ifdef VLT_PANELS
  // Packs what was chosen; the row-major copy is out of reach from here on.
  void pack() {
    for (const auto& p : registry_.params) {
      if (!p.value->packed) continue;
      auto& w = *p.value;
      const auto panels = [&](Index n, Index k, bool transposed) {
        auto& b = panels_.emplace_back((cpu::panel_bytes(n, k) + 64) / sizeof(float));
        void* at = reinterpret_cast<void*>((reinterpret_cast<std::uintptr_t>(b.data()) + 63) / 64 * 64);
        cpu::pack(w.data, w.rows, w.cols, transposed, at);
        return at;
      };
      w.forward_panels = panels(w.rows, w.cols, false);
      w.backward_panels = panels(w.cols, w.rows, true);
      w.data = nullptr;
    }
  }
#endif

  // Points the layers at full buffers of a unit: the store's own, or lent ones. Null takes the memory away.
  void bind_weights(int unit, operand* trained, operand* frozen) {
    for (const Slot& s : units_[unit].trained)
      registry_.params[s.param].value->data = trained ? trained + s.range.begin : nullptr;
    for (const Slot& s : units_[unit].frozen)
      registry_.params[s.param].value->data = frozen ? frozen + s.range.begin : nullptr;
  }
  void bind_grads(int unit, grad_t* grads) {
    for (const Slot& s : units_[unit].trained)
      registry_.params[s.param].grad->data = grads ? grads + s.range.begin : nullptr;
  }

  // One AdamW step on part of a unit. One-dimensional parameters do not decay.
  void update(int unit, Range part, const AdamW& o, long step, double clip) {
    Unit& u = units_[unit];
    for (const Slot& s : u.trained) {
      const Index i = std::max(s.range.begin, part.begin), n = std::min(s.range.end, part.end) - i;
      if (n > 0)
        ops::adamw(o, step, clip, registry_.params[s.param].decay ? o.weight_decay : 0.0, u.grads.at(i), u.master.at(i),
                   u.m.at(i), u.v.at(i), u.weights.at(i), n);
    }
  }

  std::size_t bytes() const {
    std::size_t n = 0;
    for (const Unit& u : units_)
      n += (u.weights.data.size() + u.frozen_weights.data.size()) * sizeof(operand) +
           u.grads.data.size() * sizeof(grad_t) + 3 * u.master.data.size() * sizeof(master_t);
    return n;
  }

 private:
  static constexpr Index granule = 16;  // elements: a share begins on a cache line
  static bool inside(Range r, Index i) { return r.begin <= i && i < r.end; }
  static void add(std::vector<Slot>& slots, Range& all, int param, Index size) {
    slots.push_back({param, {all.end, all.end + size}});
    all.end += size;
  }
  Range share_of(Range& all) const {
    const Index step = granule * placement_.ranks, each = (all.end + step - 1) / step * granule;
    all.end = each * placement_.ranks;
    return {placement_.rank * each, (placement_.rank + 1) * each};
  }
  void allocate(Unit& u) {
    u.share = share_of(u.all), u.share_frozen = share_of(u.all_frozen);
    u.weights.place(placement_.share_weights ? u.share : u.all);
    u.frozen_weights.place(placement_.share_weights ? u.share_frozen : u.all_frozen);
    u.grads.place(placement_.share_gradients ? u.share : u.all);
    for (auto* f : {&u.master, &u.m, &u.v}) f->place(placement_.share_optimizer ? u.share : u.all);
  }
  void bind(int i) {
    if (!placement_.share_weights) bind_weights(i, units_[i].weights.data.data(), units_[i].frozen_weights.data.data());
    if (!placement_.share_gradients) bind_grads(i, units_[i].grads.data.data());
  }

  Registry<F> registry_;
  Placement placement_;
  std::vector<Unit> units_;
#ifdef VLT_PANELS
  std::deque<std::vector<float>> panels_;
#endif
};

}  // namespace vlt
