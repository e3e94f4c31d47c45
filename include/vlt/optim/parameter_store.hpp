#pragma once
#include <functional>
#include <vlt/optim/panel_memory.hpp>
#include <vlt/optim/section.hpp>

namespace vlt {

// Owns the memory of a model's parameters and points the model's layers at it. Laid out unit by unit (StoreLayout);
// everything of one kind is one block of memory. A packed weight has no row-major compute copy: write(), fill() and
// updates pack it. A model must not move once its store exists.
template <Precision F, Device D> class ParameterStore {
 public:
  using roles = roles_of<F>;
  using operand = typename roles::operand;
  using grad_t = typename roles::grad;
  using master_t = typename roles::master;

  // One unit: its layout and its memory.
  struct Unit : UnitLayout {
    Flat<operand, D> weights, frozen_weights;
    Flat<master_t, D> frozen_exact;  // instead of the latter, in a unit of exact parameters
    Flat<grad_t, D> grads;
    Flat<master_t, D> master;
    std::vector<StateFlat<F, D>> state;  // one for each slot of the optimiser

    template <class T = master_t> const Flat<T, D>& slot(std::size_t i) const { return std::get<Flat<T, D>>(state[i]); }
  };

  explicit ParameterStore(Registry<F, D> registry, Placement placement = {},
                          std::type_identity_t<AnyOptimizer<F, D>> optimizer = AdamW{})
      : ParameterStore(registry, StoreLayout<F, D>(registry, placement, std::move(optimizer))) {}
  // As it was planned: the layout is that of this registry. files: where what is offloaded lies.
  ParameterStore(Registry<F, D> registry, StoreLayout<F, D> layout, const FileMemory* files = nullptr)
      : registry_(std::move(registry)),
        layout_(std::move(layout)),
        panels_(registry_, layout_),
        homes_(registry_.params.size()) {
    require(placement().offload_optimizer == (files != nullptr), "what is offloaded needs files to lie in");
    allocate(files);
    for (int i = 0; i < units(); ++i) {
      const Unit& u = units_[i];
      for (const Slot& s : u.trained) homes_[s.param] = {i, s.range};
      for (const Slot& s : u.frozen) homes_[s.param] = {i, s.range};
      for (const PanelSlot& s : u.packed) homes_[s.param].unit = i;
      if (u.exact) bind_exact(u);
      else if (!placement().share_weights) bind_weights(i, u.weights.begin, u.frozen_weights.begin);
      if (!placement().share_gradients) bind_grads(i, u.grads.begin);
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

  // Reads rows of a parameter: the full-precision values if it trains, else the ones products use. What this rank does
  // not hold it must know where to get (read_by).
  void read(int param, Index first_row, std::span<float> rows) const {
    if (reader_) return reader_(param, first_row, rows);
    require(held(param, first_row, Index(rows.size()), placement().rank).size() == Index(rows.size()),
            "rows of " + registry_.params[param].name() + " are held by another rank");
    read_held(param, first_row, rows);
  }
  // Sets of these rows only what this rank holds.
  void read_held(int param, Index first_row, std::span<float> rows) const {
    const Home& h = home(param, first_row, Index(rows.size()));
    const auto& p = registry_.params[param];
    if (!p.trains() && p.value->packed) return panels_.unpack(param, first_row, rows);
    const Index begin = h.range.begin + first_row * p.value->cols;
    const Range mine = held(param, first_row, Index(rows.size()), placement().rank);
    const auto get = [&](const auto& flat) {
      for (Index i = mine.begin; i < mine.end; ++i) rows[std::size_t(i)] = float(*flat.at(begin + i));
    };
    const Unit& u = units_[h.unit];
    p.trains() ? get(u.master) : u.exact ? get(u.frozen_exact) : get(u.frozen_weights);
  }
  // Of `count` elements from a row on, those whose values in full precision a rank holds.
  Range held(int param, Index first_row, Index count, int rank) const {
    const Home& h = home(param, first_row, count);
    const auto& p = registry_.params[param];
    const UnitLayout& u = units_[h.unit];
    const bool shared = p.trains() ? placement().share_optimizer : placement().share_weights && !p.value->packed;
    if (!shared || u.exact) return {0, count};
    const Index each = (p.trains() ? u.share : u.share_frozen).size(),
                begin = h.range.begin + first_row * p.value->cols;
    const Range r = intersection({begin, begin + count}, {rank * each, (rank + 1) * each});
    return r.size() > 0 ? Range{r.begin - begin, r.end - begin} : Range{};
  }
  // Who reads rows, also those that other ranks hold (dist/shared_values.hpp); nobody: those cannot be read.
  void read_by(std::function<void(int param, Index first_row, std::span<float> rows)> reader) {
    reader_ = std::move(reader);
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

  // Calls visit(Section<T, D>) for everything that this store holds and cannot be had from anything else, unit by unit:
  // the one list that saving, loading, resharding, hashing and offloading walk. A parameter of which this rank holds
  // nothing is visited with an empty range.
  template <class Visit> void sections(Visit&& visit) {
    for (int i = 0; i < units(); ++i) {
      const Unit& u = units_[i];
      for (const Slot& s : u.trained) {
        visit(section(i, s, SectionKind::master, {}, u.master));
        for (std::size_t k = 0; k < u.state.size(); ++k)
          std::visit([&](const auto& flat) { visit(section(i, s, SectionKind::state, layout_.slots()[k].name, flat)); },
                     u.state[k]);
      }
      for (const Slot& s : u.frozen)
        if (u.exact) visit(section(i, s, SectionKind::frozen, {}, u.frozen_exact));
        else visit(section(i, s, SectionKind::frozen, {}, u.frozen_weights));
      for (const PanelSlot& s : u.packed) {
        if (registry_.params[s.param].trains()) continue;
        visit(section(i, {s.param, {0, s.forward.size()}}, SectionKind::panels, "forward", panels_.forward(s.param)));
        visit(
            section(i, {s.param, {0, s.backward.size()}}, SectionKind::panels, "backward", panels_.backward(s.param)));
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

  // A packed weight follows its master, whole.
  void pack_master(Threads& threads, int param) {
    static_assert(host_code<D>::ok);
    if constexpr (can_pack<F>) {
      const Home& h = homes_[param];
      const master_t* master = units_[h.unit].master.at(h.range.begin);
      constexpr Index tile = cpu::Tile<D>::cols;
      threads.ranges(registry_.params[param].value->rows, tile, [&](Index first, Index end) {
        for (Index row = first; row < end; row += tile) panels_.pack(param, master, row, std::min(tile, end - row));
      });
    }
  }

 private:
  // Where a parameter's values are.
  struct Home {
    int unit = -1;
    Range range;  // in the unit's flat buffers, if it is there
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
    const auto put = [&]<class T>(const Flat<T, D>& flat) {
      const Range r = intersection({begin, begin + Index(rows.size())}, flat.range);
      for (Index i = r.begin; i < r.end; ++i) *flat.at(i) = T(rows[i - begin]);
    };
    if (p.trains()) put(u.master);
    else if (u.exact) put(u.frozen_exact);
    if (u.exact) return;
    if (!p.value->packed) return p.trains() ? put(u.weights) : put(u.frozen_weights);
    panels_.pack(param, rows.data() - first_row * cols, first_row, Index(rows.size()) / cols);
  }

  void bind_exact(const Unit& u) {
    for (const Slot& s : u.trained) *registry_.params[s.param].exact = u.master.begin.after(s.range.begin);
    for (const Slot& s : u.frozen) *registry_.params[s.param].exact = u.frozen_exact.begin.after(s.range.begin);
  }

  template <class T>
  Section<T, D> section(int unit, const Slot& s, SectionKind kind, std::string_view slot,
                        const Flat<T, D>& flat) const {
    Range r = intersection(s.range, flat.range);
    if (r.size() == 0) r = {s.range.begin, s.range.begin};
    return {registry_.params[s.param].name(),
            s.param,
            unit,
            kind,
            slot,
            s.range.size(),
            {r.begin - s.range.begin, r.end - s.range.begin},
            flat.row(r)};
  }

  void allocate(const FileMemory* files) {
    Index weights = 0, exact = 0, grads = 0, optimizer = 0;
    for (const UnitLayout& u : layout_.units()) {
      (u.exact ? exact : weights) += u.held_weights.size() + u.held_frozen.size();
      grads += u.held_grads.size(), optimizer += u.held_optimizer.size();
    }
    weights_ = Buffer<operand, D>(weights), exact_ = Buffer<master_t, D>(exact), grads_ = Buffer<grad_t, D>(grads);
    master_ = for_updates<master_t>(optimizer, files);
    state_ = for_updates<std::byte>(Index(layout_.bytes().state), files);
    weights = exact = grads = optimizer = 0;
    Arena state(state_);
    const auto cut = []<class T>(Buffer<T, D>& buffer, Range range, Index& at) {
      at += range.size();
      return Flat<T, D>{buffer.address(at - range.size()), range};
    };
    for (const UnitLayout& layout : layout_.units()) {
      Unit& u = units_.emplace_back(Unit{layout, {}, {}, {}, {}, {}, {}});
      u.weights = cut(weights_, u.held_weights, weights);
      if (u.exact) u.frozen_exact = cut(exact_, u.held_frozen, exact);
      else u.frozen_weights = cut(weights_, u.held_frozen, weights);
      u.grads = cut(grads_, u.held_grads, grads);
      u.master = cut(master_, u.held_optimizer, optimizer);
      for (const StateSlot& s : layout_.slots()) u.state.push_back(cut_state(state, s.type, u.held_optimizer));
    }
  }
  template <class T> static Buffer<T, D> for_updates(Index count, const FileMemory* files) {
    if constexpr (on_host(D))
      if (files) return {count, *files};
    return Buffer<T, D>(count);
  }
  static StateFlat<F, D> cut_state(Arena& from, StateType type, Range range) {
    if (type == StateType::bf16) return Flat<bf16, D>{from.keep<bf16, D>(range.size()), range};
    return Flat<master_t, D>{from.keep<master_t, D>(range.size()), range};
  }

  Registry<F, D> registry_;
  StoreLayout<F, D> layout_;
  PanelMemory<F, D> panels_;
  std::vector<Home> homes_;
  std::vector<Unit> units_;
  Buffer<operand, D> weights_;
  Buffer<grad_t, D> grads_;
  Buffer<master_t, D> master_, exact_;
  Buffer<std::byte, D> state_;
  std::function<void(int, Index, std::span<float>)> reader_;
};

template <IsPolicy P> using store_t = ParameterStore<P::precision, P::device>;

}  // namespace vlt
