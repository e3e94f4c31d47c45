#pragma once
#include <vlt/cpu/panels.hpp>
#include <vlt/optim/store_layout.hpp>

namespace vlt {

// The panels of all packed weights: one block of memory, and which part of it is whose.
template <Precision F, Device D> class PanelMemory {
 public:
  using operand = typename roles_of<F>::operand;

  // Points the packed weights of the registry at their panels.
  PanelMemory(const Registry<F, D>& registry, const StoreLayout<F, D>& layout)
      : registry_(registry), home_(registry.params.size()) {
    memory_ = Buffer<operand, D>(Index(layout.bytes().panels / sizeof(operand)));
    for (const UnitLayout& u : layout.units())
      for (const PanelSlot& s : u.packed) bind(s);
  }

  Flat<operand, D> forward(int param) const { return home_[param].forward; }
  Flat<operand, D> backward(int param) const { return home_[param].backward; }  // empty where no product needs them

  // Packs rows of a weight that begins at `w`; nothing outside these rows is read.
  template <class X> void pack(int param, const X* w, Index first_row, Index rows) {
    static_assert(host_code<D>::ok);
    if constexpr (can_pack<F>) {
      const auto& value = *registry_.params[param].value;
      const auto all = borrow_host<Matrix<const X, D>>(w, value.rows, value.cols);
      const Home& h = home_[param];
      cpu::pack_forward<operand, D>(all, static_cast<operand*>(h.forward.begin), first_row, rows);
      if (h.backward.range.size())
        cpu::pack_backward<operand, D>(all, static_cast<operand*>(h.backward.begin), first_row, rows);
    }
  }
  // Rows of a packed weight, row-major.
  void unpack(int param, Index first_row, std::span<float> rows) const {
    static_assert(host_code<D>::ok);
    if constexpr (can_pack<F>) {
      const Index cols = registry_.params[param].value->cols;
      cpu::unpack_forward<operand, D>(static_cast<const operand*>(home_[param].forward.begin), cols, rows.data(),
                                      first_row, Index(rows.size()) / cols);
    }
  }

 private:
  struct Home {
    Flat<operand, D> forward, backward;
  };

  void bind(const PanelSlot& s) {
    const auto at = [&](Range r) { return Flat<operand, D>{memory_.address(r.begin), {0, r.size()}}; };
    Home& h = home_[s.param];
    h.forward = at(s.forward);
    if (s.backward.size()) h.backward = at(s.backward);
    auto& w = *registry_.params[s.param].value;
    w.data = nullptr, w.forward_panels = h.forward.begin, w.backward_panels = h.backward.begin;
  }

  const Registry<F, D>& registry_;
  std::vector<Home> home_;  // by parameter
  Buffer<operand, D> memory_;
};

}  // namespace vlt
