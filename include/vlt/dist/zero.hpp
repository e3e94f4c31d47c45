#pragma once
#include <cmath>
#include <memory>
#include <vlt/dist/sum_of_squares.hpp>
#include <vlt/dist/world.hpp>
#include <vlt/optim/parameter_store.hpp>
#include <vlt/tensor/scope.hpp>

namespace vlt::dist {

// When gradients are summed over ranks. Once per step: one message per unit, but every rank accumulates whole
// gradients. In every micro-batch: gradients are only ever held as shares, at the price of more messages. The two round
// differently.
enum class Reduce { once, every_micro_batch };

// What gradients are multiplied by so that their norm is at most `max_norm`; 0 means no limit.
inline double clip_factor(double norm, double max_norm) {
  return max_norm > 0 ? std::min(1.0, max_norm / (norm + 1e-6)) : 1.0;
}

// ZeRO (Rajbhandari et al. 2020): 0 nothing is shared, 1 optimiser state, 2 also gradients, 3 also weights, frozen ones
// included. The order of collectives is the order in which the model visits its units.
template <Precision F, Device D = Device::cpu> class Zero final : public UnitHooks {
 public:
  using Store = ParameterStore<F, D>;
  using operand = typename Store::operand;
  using grad_t = typename Store::grad_t;
  using master_t = typename Store::master_t;

  static Placement placement(int stage, Reduce when, const World& world) {
    return {world.rank(), world.size(), stage >= 1, stage >= 2 && when == Reduce::every_micro_batch, stage >= 3};
  }

  Zero(Store& store, world_t<D>& world, Threads& threads, int stage = 0, Reduce when = Reduce::once)
      : store_(store), world_(world), threads_(threads), stage_(stage), lent_(store.units()), squares_(largest(store)) {
    require(store.placement() == placement(stage, when, world), "the store was placed for another stage of ZeRO");
    spare_weights_.reserve(lent_.size()), spare_grads_.reserve(lent_.size());
  }

  // Call before each micro-batch.
  void begin(bool last_of_step) { last_ = last_of_step; }

  void acquire(int i, Pass pass) override {
    auto& u = store_.unit(i);
    auto& l = lent_[i];
    if (stage_ == 3 && l.users++ == 0) {
      l.weights = take(spare_weights_, u.all.size() + u.all_frozen.size());
      gather(u.weights.part(u.share), std::span(l.weights->data(), u.all.size()));
      gather(u.frozen_weights.part(u.share_frozen), std::span(l.weights->data() + u.all.size(), u.all_frozen.size()));
      store_.bind_weights(i, l.weights->address(), l.weights->address(u.all.size()));
    }
    if (pass == Pass::backward && store_.placement().share_gradients && !l.grads) {
      l.grads = take(spare_grads_, u.all.size());
      l.grads->zero();
      store_.bind_grads(i, l.grads->address());
    }
  }
  void release(int i) override {
    auto& l = lent_[i];
    if (stage_ < 3 || --l.users > 0) return;
    store_.bind_weights(i, nullptr, nullptr);
    spare_weights_.push_back(std::move(l.weights));
  }
  void grad_ready(int i) override {
    auto& u = store_.unit(i);
    auto& l = lent_[i];
    if (l.grads) {
      sum_.resize(u.share.size());
      world_.reduce_scatter_sum(std::span<const grad_t>(l.grads->data(), u.all.size()), std::span(sum_));
      for (Index e = 0; e < u.share.size(); ++e) u.grads.data[e] += sum_[e];
      store_.bind_grads(i, nullptr);
      spare_grads_.push_back(std::move(l.grads));
    } else if (stage_ >= 2 && last_) {
      reduce(u);
    }
  }

  // Sums over the ranks what is not summed yet. Returns the norm of all gradients, the same on every rank.
  double reduce() {
    double square = 0;
    for (int i = 0; i < store_.units(); ++i) {
      auto& u = store_.unit(i);
      if (stage_ == 0) world_.all_reduce_sum(u.grads.data);
      if (stage_ == 1) reduce(u);
      square += squares_(threads_, std::span<const grad_t>(u.grads.part(u.share)));
    }
    world_.all_reduce_sum(std::span<double>(&square, 1));
    return std::sqrt(square);
  }
  // One step of the optimiser with gradients times `clip`; `rates` as in ParameterStore::update(). Gradients are zero
  // afterwards.
  void update(const AdamW& o, double clip, std::span<const double> rates = {}) {
    ++steps_;
    for (int i = 0; i < store_.units(); ++i) {
      auto& u = store_.unit(i);
      store_.update(threads_, i, stage_ == 0 ? u.all : u.share, o, steps_, clip, rates);
      if (stage_ == 1 || stage_ == 2) gather(u.weights.part(u.share), u.weights.data);
    }
    discard();
  }
  // Gradients become zero, nothing else changes.
  void discard() {
    for (int i = 0; i < store_.units(); ++i) {
      const auto g = store_.unit(i).grads.data;
      threads_.ranges(Index(g.size()), 1 << 14,
                      [&](Index begin, Index end) { std::fill(g.begin() + begin, g.begin() + end, grad_t{}); });
    }
  }
  // reduce(), clip, and update() if the norm is finite, else discard() on every rank. Returns the norm before clipping.
  double step(const AdamW& o, double max_norm, std::span<const double> rates = {}) {
    const double norm = reduce();
    if (std::isfinite(norm)) update(o, clip_factor(norm, max_norm), rates);
    else discard();
    return norm;
  }

  long steps() const { return steps_; }  // updates made
  void set_updates(Index made) { steps_ = made; }

  // Buffers lent to units at the same time, at most.
  std::size_t lent_bytes() const {
    std::size_t n = 0;
    for (auto& b : spare_weights_) n += b->bytes();
    for (auto& b : spare_grads_) n += b->bytes();
    return n;
  }

 private:
  template <class T> using Lease = std::unique_ptr<Buffer<T, D>>;
  struct Lent {
    int users = 0;
    Lease<operand> weights;
    Lease<grad_t> grads;
  };

  static Index largest(Store& store) {
    Index n = 0;
    for (int i = 0; i < store.units(); ++i) n = std::max(n, store.unit(i).share.size());
    return n;
  }
  template <class T> static Lease<T> take(std::vector<Lease<T>>& spare, Index size) {
    Lease<T> b = spare.empty() ? std::make_unique<Buffer<T, D>>() : std::move(spare.back());
    if (!spare.empty()) spare.pop_back();
    if (b->size() < size) *b = Buffer<T, D>(size);
    return b;
  }
  void reduce(typename Store::Unit& u) {
    world_.reduce_scatter_sum(std::span<const grad_t>(u.grads.data), u.grads.part(u.share));
  }
  void gather(std::span<operand> share, std::span<operand> all) {
    world_.all_gather(std::span<const operand>(share), all);
  }

  Store& store_;
  world_t<D>& world_;
  Threads& threads_;
  int stage_;
  bool last_ = true;
  long steps_ = 0;
  std::vector<Lent> lent_;
  std::vector<Lease<operand>> spare_weights_;
  std::vector<Lease<grad_t>> spare_grads_;
  std::vector<grad_t> sum_;
  SumOfSquares<D> squares_;
};

}  // namespace vlt::dist
