#pragma once
#include <algorithm>
#include <vector>
#include <vlt/cpu/panels.hpp>
#include <vlt/optim/adamw.hpp>
#include <vlt/optim/placement.hpp>

namespace vlt {

// The memory of parameters, by what it is for, in bytes.
struct StoreBytes {
  std::size_t compute = 0, panels = 0, gradient = 0, master = 0, state = 0;
  std::size_t total() const { return compute + panels + gradient + master + state; }
  StoreBytes& operator+=(const StoreBytes& o) {
    compute += o.compute, panels += o.panels, gradient += o.gradient, master += o.master, state += o.state;
    return *this;
  }
  bool operator==(const StoreBytes&) const = default;
};

// One parameter's place in its unit.
struct Slot {
  int param;    // index into Registry::params
  Range range;  // begins on a cache line
};

// A parameter whose compute copy is panels (Weight::packed): elements from the beginning of all panels.
struct PanelSlot {
  int param;
  Range forward, backward;  // backward is empty where no product asks for the gradient of its input
};

// What one unit's flat buffers look like, and which part of each this rank holds. `trained` parameters lie in parallel
// buffers (compute copy, gradient, master, what the optimiser remembers), `frozen` ones in one, frozen and packed ones
// in none. Packed ones that train come last: the compute copy ends before them. What a unit of the model has of exact
// parameters (ParamRef::exact) is a unit of its own here, behind all others.
struct UnitLayout {
  std::vector<Slot> trained, frozen;
  std::vector<PanelSlot> packed;
  Range all, all_frozen;      // padded to the number of ranks
  Range row_major;            // the part of `all` that has a compute copy
  Range share, share_frozen;  // this rank's part
  Range held_weights, held_frozen, held_grads, held_optimizer;
  ComponentKind component{};
  bool exact = false;  // its parameters are computed as they are in their masters, and every rank holds all of them

  bool packs(const Slot& trained_one) const { return !exact && trained_one.range.begin >= row_major.end; }
};

// Where every parameter lies, from the list of parameters alone and before any memory exists: what is planned from it
// is what a ParameterStore allocates. What is kept for the update is what the optimiser asks for.
template <Precision F, Device D> class StoreLayout {
 public:
  using roles = roles_of<F>;
  using operand = typename roles::operand;
  using master_t = typename roles::master;

  explicit StoreLayout(const Registry<F, D>& registry, Placement placement = {},
                       std::type_identity_t<AnyOptimizer<F, D>> optimizer = AdamW{})
      : placement_(placement), optimizer_(std::move(optimizer)), slots_(optimizer_.slots()), named_(registry.units) {
    const bool any_exact =
        std::any_of(registry.params.begin(), registry.params.end(), [](const auto& p) { return p.exact != nullptr; });
    units_.resize(std::size_t(any_exact ? 2 * named_ : named_));
    for (int u = named_; u < int(units_.size()); ++u) units_[std::size_t(u)].exact = true;
    require(registry.current(),
            "the registry is older than the last choice of what trains: choose() gives the one that follows it");
    for (bool packed : {false, true}) {
      for (std::size_t i = 0; i < registry.params.size(); ++i)
        if (registry.params[i].value->packed == packed) add(registry, int(i));
      for (UnitLayout& u : units_)
        if (!packed) u.row_major = u.all;
    }
    for (UnitLayout& u : units_) share(u);
  }

  const Placement& placement() const { return placement_; }
  const AnyOptimizer<F, D>& optimizer() const { return optimizer_; }
  const std::vector<StateSlot>& slots() const { return slots_; }
  const std::vector<UnitLayout>& units() const { return units_; }
  // Calls visit(i) for the unit that a model calls i, and then for the one of its exact parameters, if there is one.
  template <class Visit> void with_exact(int i, Visit&& visit) const {
    visit(i);
    if (i + named_ < int(units_.size())) visit(i + named_);
  }

  StoreBytes bytes(const UnitLayout& u) const {
    const auto trained = std::size_t(u.held_optimizer.size());
    std::size_t state = 0;
    for (const StateSlot& s : slots_) state += s.type == StateType::master ? sizeof(master_t) : sizeof(bf16);
    return {std::size_t(u.held_weights.size() + u.held_frozen.size()) * (u.exact ? sizeof(master_t) : sizeof(operand)),
            std::size_t(panel_elements(u)) * sizeof(operand),
            std::size_t(u.held_grads.size()) * sizeof(typename roles::grad), trained * sizeof(master_t),
            trained * state};
  }
  // All of it, or that of one component.
  StoreBytes bytes(std::optional<ComponentKind> component = std::nullopt) const {
    StoreBytes sum;
    for (const UnitLayout& u : units_)
      if (!component || u.component == component) sum += bytes(u);
    return sum;
  }

 private:
  static constexpr Index granule = 32;  // elements: whole cache lines of the smallest type

  static Index rounded(Index n, Index step) { return (n + step - 1) / step * step; }
  void add(const Registry<F, D>& registry, int param) {
    const auto& p = registry.params[param];
    require(p.unit >= 0, "parameter " + p.name() + " belongs to no unit");
    UnitLayout& u = units_[std::size_t(p.unit + (p.exact ? named_ : 0))];
    u.component = p.component;
    if (p.trains()) append(u.trained, u.all, param, p.value->size());
    else if (!p.value->packed) append(u.frozen, u.all_frozen, param, p.value->size());
    if (p.value->packed) add_panels(registry, u, param);
  }
  static void append(std::vector<Slot>& slots, Range& all, int param, Index size) {
    slots.push_back({param, {all.end, all.end + size}});
    all.end = rounded(all.end + size, granule);
  }
  void add_panels(const Registry<F, D>& registry, UnitLayout& u, int param) {
    const auto& p = registry.params[param];
    require(can_pack<F>, "double precision has no packed products");
    require(p.trains() ? !placement_.share_optimizer : !placement_.share_weights,
            "weights that ranks share cannot be packed: choose_panels() knows the placement");
    if constexpr (can_pack<F>) {
      const auto take = [&](Index n, Index k) {
        const Index begin = panels_end_;
        panels_end_ +=
            rounded(cpu::panel_bytes<operand, D>(n, k) / Index(sizeof(operand)), 64 / Index(sizeof(operand)));
        return Range{begin, panels_end_};
      };
      PanelSlot slot{param, take(p.value->rows, p.value->cols), {panels_end_, panels_end_}};
      if (gradient_reaches(registry, p.component)) slot.backward = take(p.value->cols, p.value->rows);
      u.packed.push_back(slot);
    }
  }
  // Data flows through components in their order: behind the first that trains, every layer passes a gradient on.
  static bool gradient_reaches(const Registry<F, D>& registry, ComponentKind component) {
    return std::any_of(registry.params.begin(), registry.params.end(),
                       [&](const auto& p) { return p.trains() && p.component <= component; });
  }
  static Index panel_elements(const UnitLayout& u) {
    Index n = 0;
    for (const PanelSlot& s : u.packed) n += s.forward.size() + s.backward.size();
    return n;
  }
  Range share_of(Range& all) const {
    const Index each = rounded(all.end, granule * placement_.ranks) / placement_.ranks;
    all.end = each * placement_.ranks;
    return {placement_.rank * each, (placement_.rank + 1) * each};
  }
  void share(UnitLayout& u) const {
    const bool packed = u.row_major != u.all;
    u.share = share_of(u.all), u.share_frozen = share_of(u.all_frozen);
    if (!packed) u.row_major = u.all;
    if (u.exact) u.row_major = {};
    const auto held = [&](bool shared, Range share, Range all) { return shared && !u.exact ? share : all; };
    u.held_weights = held(placement_.share_weights, u.share, u.row_major);
    u.held_frozen = held(placement_.share_weights, u.share_frozen, u.all_frozen);
    u.held_grads = held(placement_.share_gradients, u.share, u.all);
    u.held_optimizer = held(placement_.share_optimizer, u.share, u.all);
  }

  Placement placement_;
  AnyOptimizer<F, D> optimizer_;
  std::vector<StateSlot> slots_;
  Index panels_end_ = 0;
  int named_;  // units of the model
  std::vector<UnitLayout> units_;
};

template <IsPolicy P> using layout_t = StoreLayout<P::precision, P::device>;

}  // namespace vlt
