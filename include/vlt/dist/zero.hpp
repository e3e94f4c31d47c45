#pragma once
#include <cmath>
#include <vlt/dist/lender.hpp>
#include <vlt/dist/world.hpp>
#include <vlt/ops/sum_of_squares.hpp>
#include <vlt/optim/update.hpp>

namespace vlt::dist {

// When gradients are summed over ranks. Once per step: one message per unit, but every rank accumulates whole
// gradients. In every micro-batch: from stage 2 on gradients are only ever held as shares, at the price of more
// messages. The two round differently, whatever the stage.
enum class Reduce { once, every_micro_batch };

// ZeRO (Rajbhandari et al. 2020): 0 nothing is shared, 1 optimiser state, 2 also gradients, 3 also weights, frozen ones
// included.
struct ZeroSettings {
  int stage = 0;
  Reduce reduce = Reduce::once;
  bool offload = false;  // masters and the optimiser's state lie in files, at any stage

  // One rank has nobody to share with. Shares of gradients are all that stages 2 and 3 hold: whole ones cannot wait for
  // the end of a step.
  static ZeroSettings of_stage(int stage, int ranks, bool offload = false) {
    if (ranks == 1) return {0, Reduce::once, offload};
    return {stage, stage >= 2 ? Reduce::every_micro_batch : Reduce::once, offload};
  }

  Placement placement(int rank, int ranks) const {
    const bool gradients = stage >= 2 && reduce == Reduce::every_micro_batch;
    return {rank, ranks, stage >= 1, gradients, stage >= 3, offload};
  }
  Placement placement(const World& world) const { return placement(world.rank(), world.size()); }
};

// What gradients are multiplied by so that their norm is at most `max_norm`; 0 means no limit.
inline double clip_factor(double norm, double max_norm) {
  return max_norm > 0 ? std::min(1.0, max_norm / (norm + 1e-6)) : 1.0;
}

// Carries ZeRO out: lends units what is shared, adds up gradients, updates. The order of collectives is the order in
// which the model visits its units. Made of a layout alone it plans only.
template <Precision F, Device D> class Zero final : public Lender {
 public:
  using Store = ParameterStore<F, D>;
  using operand = typename Store::operand;
  using grad_t = typename Store::grad_t;

  // The layout must stay.
  Zero(const StoreLayout<F, D>& layout, ZeroSettings settings)
      : Lender(layout.units().size()), layout_(layout), settings_(settings) {}
  Zero(Store& store, world_t<D>& world, ZeroSettings settings = {})
      : Lender(store.layout().units().size()),
        layout_(store.layout()),
        settings_(settings),
        store_(&store),
        world_(&world) {
    require(store.placement() == settings.placement(world), "the store was placed for another stage of ZeRO");
  }

  void begin(Scope& s, bool last) override {
    require(!runs(s) || store_, "a Zero without a store only plans");
    book(s).clear();
    last_ = last;
    if (!runs(s)) return;
    weights_ = s.arena().template temp<operand, D>(planned_.weights.peak());
    gradients_ = s.arena().template temp<grad_t, D>(planned_.gradients.peak());
  }
  LentBytes lent() const override {
    return {std::size_t(planned_.weights.peak()) * sizeof(operand),
            std::size_t(planned_.gradients.peak()) * sizeof(grad_t)};
  }

  void acquire(Scope& s, int i, Pass pass) override {
    const UnitLayout& u = layout_.units()[i];
    Book& b = book(s);
    Loan& l = b.loan[i];
    b.visits.push_back({i, pass == Pass::forward ? UnitVisit::forward : UnitVisit::backward});
    const Index weights = u.all.size() + u.all_frozen.size();
    if (placement().share_weights && l.users++ == 0 && weights > 0) {
      l.weights = b.weights.take(weights);
      lend_weights(s, i, l.weights);
    }
    if (runs(s)) world_->does(pass == Pass::forward ? RankPhase::forward : RankPhase::backward);
    if (pass == Pass::backward) layout_.with_exact(i, [&](int part) { lend_gradients(s, part); });
  }
  void release(Scope& s, int i) override {
    Book& b = book(s);
    Loan& l = b.loan[i];
    b.visits.push_back({i, UnitVisit::release});
    if (!placement().share_weights || --l.users > 0 || l.weights.size() == 0) return;
    if (runs(s)) store_->bind_weights(i, nullptr, nullptr);
    b.weights.give(std::exchange(l.weights, {}));
  }
  void grad_ready(Scope& s, int i) override {
    book(s).visits.push_back({i, UnitVisit::gradient_ready});
    layout_.with_exact(i, [&](int part) { add_gradients(s, part); });
  }

  // Sums over the ranks what is not summed yet. Returns the norm of all gradients, the same on every rank.
  double reduce(Scope& s) {
    Frame frame(s);
    const auto square = s.temp<Matrix<double, D>>({1, 1});
    ops::fill(s, square, 0);
    for (int i = 0; i < units(); ++i) {
      const UnitLayout& u = layout_.units()[i];
      if (settings_.stage < 2 && settings_.reduce == Reduce::once) sum(s, gradients(i), u);
      ops::add_sum_of_squares(s, gradients(i).row(u.share), square);
    }
    double all = 0;
    s.run("gradient_norm", {}, [&] {
      all = square(0, 0);
      world_->all_reduce_sum(std::span(&all, 1));
    });
    return std::sqrt(all);
  }
  // One step of the optimiser. Gradients are zero afterwards.
  void update(Scope& s, std::span<const double> rates, double clip) {
    if (runs(s)) {
      require(rates.size() == store_->registry().params.size(), "an update needs a rate for every parameter");
      world_->does(RankPhase::updating);
      ++updates_;
    }
    for (int i = 0; i < units(); ++i) {
      const UnitLayout& u = layout_.units()[i];
      update_unit(s, layout_, runs(s) ? store_ : nullptr, i, u.held_optimizer, {rates, clip, updates_});
      share_weights(s, i);
    }
    discard(s);
  }
  // Gradients become zero, nothing else changes.
  void discard(Scope& s) {
    for (int i = 0; i < units(); ++i) ops::fill(s, gradients(i).row(layout_.units()[i].held_grads), 0);
  }
  // reduce(), clip to `max_norm`, and update() if the norm is finite and `wanted`, else discard() on every rank.
  // Gradients are those of a loss times `loss_scale`; what counts are they without it. Returns the norm before
  // clipping. While planning it updates.
  double step(Scope& s, std::span<const double> rates, double max_norm, bool wanted = true, double loss_scale = 1) {
    const double norm = reduce(s) / loss_scale;
    if (std::isfinite(norm) && wanted) update(s, rates, clip_factor(norm, max_norm) / loss_scale);
    else discard(s);
    return norm;
  }
  // Compute copies follow their masters, on every rank: after masters were loaded.
  void round_masters(Scope& s) {
    for (int i = 0; i < units(); ++i) {
      vlt::round_masters(s, *store_, i, layout_.units()[i].held_optimizer);
      share_weights(s, i);
    }
  }

  // Updates made: what an optimiser's correction of its moments goes by. A run that is taken up again sets it.
  Index updates() const { return updates_; }
  void set_updates(Index made) { updates_ = made; }

 private:
  static bool runs(Scope& s) { return !s.arena().planning(); }
  const Placement& placement() const { return layout_.placement(); }
  int units() const { return int(layout_.units().size()); }

  // A unit's gradients on this rank.
  Flat<grad_t, D> gradients(int i) const {
    return store_ ? store_->unit(i).grads : Flat<grad_t, D>{nullptr, layout_.units()[i].held_grads};
  }
  Flat<grad_t, D> lent_gradients(const UnitLayout& u, const Loan& l) const {
    return {gradients_.after(l.gradients.begin), u.all};
  }

  void lend_gradients(Scope& s, int i) {
    const UnitLayout& u = layout_.units()[i];
    Book& b = book(s);
    Loan& l = b.loan[i];
    if (u.all.size() == 0 || settings_.reduce != Reduce::every_micro_batch || l.gradients.size() > 0) return;
    l.gradients = b.gradients.take(u.all.size());
    const auto lent = lent_gradients(u, l);
    ops::fill(s, lent.row(u.all), 0);
    if (runs(s)) store_->bind_grads(i, lent.begin);
  }
  // What a backward pass has left for a unit joins what earlier ones have.
  void add_gradients(Scope& s, int i) {
    const UnitLayout& u = layout_.units()[i];
    Book& b = book(s);
    Loan& l = b.loan[i];
    if (l.gradients.size() > 0) {
      const auto lent = lent_gradients(u, l);
      const Range mine = sum(s, lent, u);
      ops::add(s, lent.row(mine), gradients(i).row(mine));
      if (runs(s)) store_->bind_grads(i, nullptr);
      b.gradients.give(std::exchange(l.gradients, {}));
    } else if (settings_.stage >= 2 && last_) {
      sum(s, gradients(i), u);
    }
  }
  void lend_weights(Scope& s, int i, Range place) {
    const UnitLayout& u = layout_.units()[i];
    const Flat<operand, D> trained{weights_.after(place.begin), u.all},
        frozen{weights_.after(place.begin + u.all.size()), u.all_frozen};
    s.run("gather_weights", {0, double(place.size()) * sizeof(operand)}, [&] {
      gather(store_->unit(i).weights.part(u.share), trained.data());
      gather(store_->unit(i).frozen_weights.part(u.share_frozen), frozen.data());
      store_->bind_weights(i, trained.begin, frozen.begin);
    });
  }
  // Ranks that have updated their shares of a unit's weights give them to each other.
  void share_weights(Scope& s, int i) {
    const UnitLayout& u = layout_.units()[i];
    if (!placement().share_optimizer || placement().share_weights || u.exact || u.all.size() == 0) return;
    s.run("gather_weights", {0, double(u.all.size()) * sizeof(operand)}, [&] {
      const auto& weights = store_->unit(i).weights;
      gather(weights.part(u.share), weights.data());
    });
  }
  void gather(std::span<operand> share, std::span<operand> all) {
    world_->does(RankPhase::gathering);
    world_->all_gather(std::span<const operand>(share), all);
  }
  // Sums a unit's gradients over the ranks. Returns where: all of it in stage 0 and of exact parameters, otherwise this
  // rank's share.
  Range sum(Scope& s, const Flat<grad_t, D>& g, const UnitLayout& u) {
    const bool everywhere = settings_.stage == 0 || u.exact;
    const Range mine = everywhere ? u.all : u.share;
    const double moves = everywhere && settings_.stage > 0 ? 2 : 1;  // beside a sum of which every rank gets a share
    if (u.all.size() > 0 && placement().ranks > 1)
      s.run("reduce_gradients", {0, moves * double(u.all.size()) * sizeof(grad_t)}, [&] {
        world_->does(RankPhase::reducing);
        if (everywhere) world_->all_reduce_sum(g.data());
        else world_->reduce_scatter_sum(std::span<const grad_t>(g.data()), g.part(mine));
      });
    return mine;
  }

  const StoreLayout<F, D>& layout_;
  ZeroSettings settings_;
  Store* store_ = nullptr;
  world_t<D>* world_ = nullptr;
  bool last_ = true;
  Index updates_ = 0;
  Address<operand, D> weights_;  // what is lent in the pass that runs
  Address<grad_t, D> gradients_;
};

}  // namespace vlt::dist
