#pragma once
#include <algorithm>
#include <vector>
#include <vlt/cpu/panels.hpp>
#include <vlt/nn/registry.hpp>

namespace vlt {

// Who holds what. One process holds everything; ZeRO leaves each rank an equal share of some of it.
struct Placement {
  int rank = 0, ranks = 1;
  bool share_optimizer = false, share_gradients = false, share_weights = false;
  bool operator==(const Placement&) const = default;
};

// Elements [begin, end) of a unit's flat parameters.
struct Range {
  Index begin = 0, end = 0;
  Index size() const { return end - begin; }
  bool holds(Index i) const { return begin <= i && i < end; }
  bool operator==(const Range&) const = default;
};
inline Range intersection(Range a, Range b) {
  const Index begin = std::max(a.begin, b.begin);
  return {begin, std::max(begin, std::min(a.end, b.end))};
}

// The memory of parameters, by what it is for, in bytes.
struct StoreBytes {
  std::size_t compute = 0, panels = 0, gradient = 0, master = 0, moments = 0;
  std::size_t total() const { return compute + panels + gradient + master + moments; }
  StoreBytes& operator+=(const StoreBytes& o) {
    compute += o.compute, panels += o.panels, gradient += o.gradient, master += o.master, moments += o.moments;
    return *this;
  }
  bool operator==(const StoreBytes&) const = default;
};

// One parameter's place in its unit.
struct Slot {
  int param;    // index into Registry::params
  Range range;  // begins on a cache line
};

// A parameter whose compute copy is panels (Weight::packed): bytes from the beginning of all panels.
struct PanelSlot {
  int param;
  Range forward, backward;  // backward is empty where no product asks for the gradient of its input
};

// What one unit's flat buffers look like, and which part of each this rank holds. `trained` parameters lie in five
// parallel buffers (compute copy, gradient, master, two moments), `frozen` ones in one, frozen and packed ones in none.
// Packed ones that train come last: the compute copy ends before them.
struct UnitLayout {
  std::vector<Slot> trained, frozen;
  std::vector<PanelSlot> packed;
  Range all, all_frozen;      // padded to the number of ranks
  Range row_major;            // the part of `all` that has a compute copy
  Range share, share_frozen;  // this rank's part
  Range held_weights, held_frozen, held_grads, held_optimizer;
  ComponentKind component{};
};

// Where every parameter lies, from the list of parameters alone and before any memory exists: what is planned from it
// is what a ParameterStore allocates.
template <Precision F, Device D = Device::cpu> class StoreLayout {
 public:
  using roles = roles_of<F>;

  StoreLayout(const Registry<F, D>& registry, Placement placement) : placement_(placement), units_(registry.units) {
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
  const std::vector<UnitLayout>& units() const { return units_; }

  StoreBytes bytes(const UnitLayout& u) const {
    return {std::size_t(u.held_weights.size() + u.held_frozen.size()) * sizeof(typename roles::operand), panel_bytes(u),
            std::size_t(u.held_grads.size()) * sizeof(typename roles::grad),
            std::size_t(u.held_optimizer.size()) * sizeof(typename roles::master),
            std::size_t(u.held_optimizer.size()) * sizeof(typename roles::master) * 2};
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
    UnitLayout& u = units_[p.unit];
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
    using operand = typename roles::operand;
    const auto& p = registry.params[param];
    require(!std::is_same_v<operand, double>, "double precision has no packed products");
    require(p.trains() ? !placement_.share_optimizer : !placement_.share_weights,
            "weights that ranks share cannot be packed");
    if constexpr (!std::is_same_v<operand, double>) {
      const auto take = [&](Index n, Index k) {
        const Index begin = panels_end_;
        panels_end_ += rounded(cpu::panel_bytes<operand, D>(n, k), 64);
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
  static std::size_t panel_bytes(const UnitLayout& u) {
    Index n = 0;
    for (const PanelSlot& s : u.packed) n += s.forward.size() + s.backward.size();
    return std::size_t(n);
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
    u.held_weights = placement_.share_weights ? u.share : u.row_major;
    u.held_frozen = placement_.share_weights ? u.share_frozen : u.all_frozen;
    u.held_grads = placement_.share_gradients ? u.share : u.all;
    u.held_optimizer = placement_.share_optimizer ? u.share : u.all;
  }

  Placement placement_;
  Index panels_end_ = 0;
  std::vector<UnitLayout> units_;
};

}  // namespace vlt
