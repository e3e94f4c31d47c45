#pragma once
#include <algorithm>
#include <span>
#include <vlt/ops/adamw.hpp>
#include <vlt/optim/store_layout.hpp>
#include <vlt/tensor/buffer.hpp>

namespace vlt {

// The part of a unit's flat parameters that this rank holds, indexed by position in the whole.
template <class T, Device D> struct Flat {
  std::span<T> data;
  Range range;
  Address<T, D> begin;
  T* at(Index i) const { return data.data() + (i - range.begin); }
  std::span<T> part(Range r) const { return {at(r.begin), std::size_t(r.size())}; }
};

// Owns the memory of a model's parameters and points the model's layers at it. Laid out unit by unit (StoreLayout);
// everything of one kind is one block of memory. A packed weight has no row-major compute copy: write(), fill() and
// update() pack it. A model must not move once its store exists.
template <Precision F, Device D = Device::cpu> class ParameterStore {
 public:
  using roles = roles_of<F>;
  using operand = typename roles::operand;
  using grad_t = typename roles::grad;
  using master_t = typename roles::master;

  // One unit: its layout and its memory.
  struct Unit : UnitLayout {
    Flat<operand, D> weights, frozen_weights;
    Flat<grad_t, D> grads;
    Flat<master_t, D> master, m, v;
  };

  explicit ParameterStore(Registry<F, D> registry, Placement placement = {})
      : registry_(std::move(registry)), layout_(registry_, placement), homes_(registry_.params.size()) {
    allocate();
    for (int i = 0; i < units(); ++i) {
      for (const Slot& s : units_[i].trained) homes_[s.param] = {i, s.range};
      for (const Slot& s : units_[i].frozen) homes_[s.param] = {i, s.range};
      for (const PanelSlot& s : units_[i].packed) bind_panels(i, s);
      if (!placement.share_weights) bind_weights(i, units_[i].weights.begin, units_[i].frozen_weights.begin);
      if (!placement.share_gradients) bind_grads(i, units_[i].grads.begin);
    }
  }
  ParameterStore(const ParameterStore&) = delete;  // layers point into it

  const Registry<F, D>& registry() const { return registry_; }
  const Placement& placement() const { return layout_.placement(); }
  const StoreLayout<F, D>& layout() const { return layout_; }
  Unit& unit(int i) { return units_[i]; }
  int units() const { return int(units_.size()); }
  StoreBytes bytes() const { return layout_.bytes(); }

  // Sets rows of a parameter, from `first_row` on; rows.size() is a multiple of its columns. What another rank holds is
  // passed over. A parameter that trains keeps the values in full precision beside the rounded ones.
  void write(int param, Index first_row, std::span<const float> rows) { set(param, first_row, rows); }

  // Reads rows of a parameter: the full-precision values if it trains, else the ones products use. This rank must hold
  // them.
  void read(int param, Index first_row, std::span<float> rows) const {
    const Home& h = home(param, first_row, Index(rows.size()));
    const auto& p = registry_.params[param];
    const Index begin = h.range.begin + first_row * p.value->cols;
    const Unit& u = units_[h.unit];
    const auto get = [&](auto& flat) {
      require(rows.empty() || (flat.range.holds(begin) && flat.range.holds(begin + Index(rows.size()) - 1)),
              "rows of " + p.name() + " are held by another rank");
      for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = float(*flat.at(begin + Index(i)));
    };
    if (p.trains()) return get(u.master);
    if (!p.value->packed) return get(u.frozen_weights);
    if constexpr (packs)
      cpu::unpack_forward<operand, D>(h.forward, p.value->cols, rows.data(), first_row,
                                      Index(rows.size()) / p.value->cols);
  }

  // Element e (row-major) of every parameter p becomes value(p, e), in the master's precision.
  template <class Value> void fill(Value&& value) {
    std::vector<master_t> row;
    for (std::size_t param = 0; param < homes_.size(); ++param) {
      const auto& p = registry_.params[param];
      row.resize(std::size_t(p.value->cols));
      for (Index r = 0; r < p.value->rows; ++r) {
        for (Index c = 0; c < p.value->cols; ++c) row[c] = master_t(value(p, r * p.value->cols + c));
        set(int(param), r, std::span<const master_t>(row));
      }
    }
  }

  // Points the layers at full buffers of a unit: the store's own, or lent ones. Null takes the memory away.
  void bind_weights(int unit, Address<operand, D> trained, Address<operand, D> frozen) {
    for (const Slot& s : units_[unit].trained)
      if (auto& w = *registry_.params[s.param].value; !w.packed) w.data = trained.after(s.range.begin);
    for (const Slot& s : units_[unit].frozen) registry_.params[s.param].value->data = frozen.after(s.range.begin);
  }
  void bind_grads(int unit, Address<grad_t, D> grads) {
    for (const Slot& s : units_[unit].trained) registry_.params[s.param].grad->data = grads.after(s.range.begin);
  }

  // One AdamW step on part of a unit: gradients times `clip`, moments, masters and compute copies. `rates` holds a
  // learning rate per parameter of the registry; empty means the one of `o` for all. One-dimensional parameters do not
  // decay. `step` counts from 1.
  void update(Threads& threads, int unit, Range part, const AdamW& o, long step, double clip,
              std::span<const double> rates = {}) {
    Unit& u = units_[unit];
    for (const Slot& s : u.trained) {
      const auto& p = registry_.params[s.param];
      const Range r = intersection(s.range, part);
      AdamW mine = o;
      if (!rates.empty()) mine.learning_rate = rates[s.param];
      const auto advance = [&](Index i, Index n, operand* compute) {
        ops::adamw(mine, step, clip, p.decay ? o.weight_decay : 0.0, u.grads.at(i), u.master.at(i), u.m.at(i),
                   u.v.at(i), compute, n);
      };
      if (!p.value->packed) {
        threads.ranges(r.size(), update_grain, [&](Index begin, Index end) {
          advance(r.begin + begin, end - begin, u.weights.at(r.begin + begin));
        });
      } else if constexpr (packs) {
        require(r == s.range, "a packed weight is updated whole");
        threads.ranges(p.value->rows, cpu::Tile<D>::cols, [&](Index first, Index end) {
          for (Index row = first; row < end; row += cpu::Tile<D>::cols) {
            const Index rows = std::min<Index>(cpu::Tile<D>::cols, end - row);
            advance(s.range.begin + row * p.value->cols, rows * p.value->cols, nullptr);
            pack(s.param, u.master.at(s.range.begin), row, rows);
          }
        });
      }
    }
  }

 private:
  static constexpr bool packs = !std::is_same_v<operand, double>;
  static constexpr Index update_grain = 4096;  // elements: below it, waking a thread costs more than it saves

  // Where a parameter's values are.
  struct Home {
    int unit = -1;
    Range range;                                      // in the unit's flat buffers, if it is there
    operand *forward = nullptr, *backward = nullptr;  // panels
  };

  const Home& home(int param, Index first_row, Index count) const {
    require(param >= 0 && param < int(homes_.size()), "there is no such parameter");
    const auto& w = *registry_.params[param].value;
    require(first_row >= 0 && count % w.cols == 0 && first_row + count / w.cols <= w.rows,
            "these are not rows of " + registry_.params[param].name());
    return homes_[param];
  }

  template <class X> void set(int param, Index first_row, std::span<const X> rows) {
    const Home& h = home(param, first_row, Index(rows.size()));
    const auto& p = registry_.params[param];
    const Index cols = p.value->cols, begin = h.range.begin + first_row * cols;
    Unit& u = units_[h.unit];
    const auto put = [&](auto& flat) {
      const Range r = intersection({begin, begin + Index(rows.size())}, flat.range);
      using T = std::remove_reference_t<decltype(flat.data[0])>;
      for (Index i = r.begin; i < r.end; ++i) *flat.at(i) = T(rows[i - begin]);
    };
    if (p.trains()) put(u.master);
    if (!p.value->packed) return p.trains() ? put(u.weights) : put(u.frozen_weights);
    if constexpr (packs) pack(param, rows.data() - first_row * cols, first_row, Index(rows.size()) / cols);
  }
  // Packs rows of a weight that begins at `w`; nothing outside these rows is read.
  template <class X> void pack(int param, const X* w, Index first_row, Index rows) {
    const auto& value = *registry_.params[param].value;
    const auto all = borrow_host<Matrix<const X, D>>(w, value.rows, value.cols);
    const Home& h = homes_[param];
    cpu::pack_forward<operand, D>(all, h.forward, first_row, rows);
    if (h.backward) cpu::pack_backward<operand, D>(all, h.backward, first_row, rows);
  }
  void bind_panels(int unit, const PanelSlot& s) {
    auto& h = homes_[s.param];
    const auto at = [&](Range r) { return r.size() ? reinterpret_cast<operand*>(panels_.data() + r.begin) : nullptr; };
    h.unit = unit, h.forward = at(s.forward), h.backward = at(s.backward);
    auto& w = *registry_.params[s.param].value;
    w.data = nullptr, w.forward_panels = h.forward, w.backward_panels = h.backward;
  }

  void allocate() {
    Index weights = 0, grads = 0, optimizer = 0;
    for (const UnitLayout& u : layout_.units()) {
      weights += u.held_weights.size() + u.held_frozen.size();
      grads += u.held_grads.size(), optimizer += u.held_optimizer.size();
    }
    panels_ = Buffer<std::byte, D>(Index(layout_.bytes().panels));
    weights_ = Buffer<operand, D>(weights), grads_ = Buffer<grad_t, D>(grads);
    for (auto* b : {&master_, &m_, &v_}) *b = Buffer<master_t, D>(optimizer);
    weights = grads = optimizer = 0;
    const auto cut = [](auto& buffer, Range range, Index& at) {
      at += range.size();
      const Index first = at - range.size();
      return Flat<std::remove_reference_t<decltype(*buffer.data())>, D>{buffer.part(first, range.size()), range,
                                                                        buffer.address(first)};
    };
    for (const UnitLayout& layout : layout_.units()) {
      Unit u{layout, {}, {}, {}, {}, {}, {}};
      u.weights = cut(weights_, u.held_weights, weights);
      u.frozen_weights = cut(weights_, u.held_frozen, weights);
      u.grads = cut(grads_, u.held_grads, grads);
      Index m = optimizer, v = optimizer;
      u.master = cut(master_, u.held_optimizer, optimizer);
      u.m = cut(m_, u.held_optimizer, m), u.v = cut(v_, u.held_optimizer, v);
      units_.push_back(std::move(u));
    }
  }

  Registry<F, D> registry_;
  StoreLayout<F, D> layout_;
  std::vector<Home> homes_;
  std::vector<Unit> units_;
  Buffer<operand, D> weights_;
  Buffer<std::byte, D> panels_;
  Buffer<grad_t, D> grads_;
  Buffer<master_t, D> master_, m_, v_;
};

}  // namespace vlt
