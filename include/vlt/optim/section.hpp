#pragma once
#include <string_view>
#include <vlt/optim/flat.hpp>

namespace vlt {

// What a section holds. `master` and `state` are what a step changes; `frozen` and `panels` are weights that no step
// does. A compute copy of what trains is none of them: it is the master, rounded (Zero::round_masters).
enum class SectionKind : std::uint8_t { master, state, frozen, panels };

// A part of what a ParameterStore holds that cannot be had from anything else: one kind of numbers of one parameter.
// T, their type, is the visitor's to know.
template <class T, Device D> struct Section {
  std::string_view parameter;  // its name in the checkpoint; the first, if it is fused from several
  int param, unit;             // index into Registry::params; number of the unit
  SectionKind kind;
  std::string_view slot;  // of state: StateSlot::name; of panels: the product, "forward" or "backward"
  Index whole;            // elements on all ranks together, row-major; of panels: as cpu/panels.hpp lays them out
  Range range;            // those that this rank holds
  Matrix<T, D> values;    // (1, range.size())
};

}  // namespace vlt
