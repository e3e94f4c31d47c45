#pragma once
#include <type_traits>
#include <vlt/nn/registry.hpp>

namespace vlt {

// Who holds what. One process holds everything; ZeRO leaves each rank an equal share of some of it.
struct Placement {
  int rank = 0, ranks = 1;
  bool share_optimizer = false, share_gradients = false, share_weights = false;
  bool offload_optimizer = false;  // what only updates touch, masters and the optimiser's state, lies in files
  bool operator==(const Placement&) const = default;
};

// Double precision has no packed products.
template <Precision F> inline constexpr bool can_pack = !std::is_same_v<typename roles_of<F>::operand, double>;

// Decides which weights live as panels: frozen ones that only products read. Before planning, like everything that
// changes what a step needs. What ranks share stays row-major, which is the least that can be held and gathered: panels
// for both products are twice as much (docs/memory.md).
template <Precision F, Device D> void choose_panels(Registry<F, D>& registry, const Placement& placement = {}) {
  for (auto& p : registry.params)
    p.value->packed = can_pack<F> && p.packable && !p.trains() && !placement.share_weights;
}

}  // namespace vlt
