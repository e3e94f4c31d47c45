#pragma once
#include <cmath>
#include <memory>
#include <vlt/dist/communicator.hpp>
#include <vlt/nn/parameter_store.hpp>
#include <vlt/tensor/scope.hpp>

namespace vlt::dist {

// When gradients are summed over ranks. Once per step: one message per unit, but every rank accumulates whole
// gradients. In every micro-batch: gradients are only ever held as shares, at the price of more messages. The two round
// differently.
enum class Reduce { once, every_micro_batch };

// ZeRO (Rajbhandari et al. 2020): 0 nothing is shared, 1 optimiser state, 2 also gradients, 3 also weights, frozen ones
// included. The order of collectives is the order in which the model visits its units.
template <Precision F, class Comm> class Zero final : public UnitHooks {
 public:
  using Store = ParameterStore<F>;
  using operand = typename Store::operand;
  using grad_t = typename Store::grad_t;
  using master_t = typename Store::master_t;

  static Placement placement(int stage, Reduce when, const Comm& comm) {
    return {comm.rank(), comm.size(), stage >= 1, stage >= 2 && when == Reduce::every_micro_batch, stage >= 3};
  }
  Zero(Store& store, Comm& comm, int stage, Reduce when)
      : store_(store), comm_(comm), stage_(stage), when_(stage >= 2 ? when : Reduce::once), lent_(store.units()) {}

  // Call before each micro-batch.
  void begin(bool last_of_step) { last_ = last_of_step; }

  void acquire(int i, Pass pass) override {
    auto& u = store_.unit(i);
    auto& l = lent_[i];
    if (stage_ == 3 && l.users++ == 0) {
      l.weights = take(spare_weights_, u.all.size() + u.all_frozen.size());
      gather(u.weights.part(u.share), std::span(l.weights->data(), u.all.size()));
      gather(u.frozen_weights.part(u.share_frozen), std::span(l.weights->data() + u.all.size(), u.all_frozen.size()));
      store_.bind_weights(i, l.weights->data(), l.weights->data() + u.all.size());
    }
    if (pass == Pass::backward && store_.placement().share_gradients && !l.grads) {
      l.grads = take(spare_grads_, u.all.size());
      std::fill(l.grads->begin(), l.grads->end(), grad_t{});
      store_.bind_grads(i, l.grads->data());
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
      comm_.template reduce_scatter_sum<grad_t>(std::span<const grad_t>(l.grads->data(), u.all.size()), sum_);
      for (Index e = 0; e < u.share.size(); ++e) u.grads.data[e] += sum_[e];
      store_.bind_grads(i, nullptr);
      spare_grads_.push_back(std::move(l.grads));
    } else if (stage_ >= 2 && last_) {
      reduce(u);
    }
  }

  // Sums what is not summed yet, clips by the global norm, updates, and leaves gradients at zero. Returns the norm
  // before clipping; if it is not finite, on whichever rank the fault was, no rank updates anything.
  double step(const AdamW& o, double max_norm) {
    double square = 0;
    for (int i = 0; i < store_.units(); ++i) {
      auto& u = store_.unit(i);
      if (stage_ == 0) comm_.template all_reduce_sum<grad_t>(std::span<grad_t>(u.grads.data));
      if (stage_ == 1) reduce(u);
      for (grad_t g : u.grads.part(u.share)) square += double(g) * double(g);
    }
    comm_.template all_reduce_sum<double>(std::span<double>(&square, 1));
    const double norm = std::sqrt(square), clip = max_norm > 0 ? std::min(1.0, max_norm / (norm + 1e-6)) : 1.0;
    const bool finite = std::isfinite(norm);
    steps_ += finite;
    for (int i = 0; i < store_.units(); ++i) {
      auto& u = store_.unit(i);
      if (finite) store_.update(i, stage_ == 0 ? u.all : u.share, o, steps_, clip);
      if (finite && (stage_ == 1 || stage_ == 2)) gather(u.weights.part(u.share), std::span<operand>(u.weights.data));
      std::fill(u.grads.data.begin(), u.grads.data.end(), grad_t{});
    }
    return norm;
  }
  // Buffers lent to units at the same time, at most.
  std::size_t lent_bytes() const {
    std::size_t n = 0;
    for (auto& b : spare_weights_) n += b->size() * sizeof(operand);
    for (auto& b : spare_grads_) n += b->size() * sizeof(grad_t);
    return n;
  }

 private:
  template <class T> using Buffer = std::unique_ptr<std::vector<T>>;
  struct Lent {
    int users = 0;
    Buffer<operand> weights;
    Buffer<grad_t> grads;
  };

  template <class T> static Buffer<T> take(std::vector<Buffer<T>>& spare, Index size) {
    Buffer<T> b = spare.empty() ? std::make_unique<std::vector<T>>() : std::move(spare.back());
    if (!spare.empty()) spare.pop_back();
    if (Index(b->size()) < size) b->resize(size);
    return b;
  }
  void reduce(typename Store::Unit& u) {
    comm_.template reduce_scatter_sum<grad_t>(std::span<const grad_t>(u.grads.data), u.grads.part(u.share));
  }
  void gather(std::span<operand> share, std::span<operand> all) {
    comm_.template all_gather<operand>(std::span<const operand>(share), all);
  }

  Store& store_;
  Comm& comm_;
  int stage_;
  Reduce when_;
  bool last_ = true;
  long steps_ = 0;
  std::vector<Lent> lent_;
  std::vector<Buffer<operand>> spare_weights_;
  std::vector<Buffer<grad_t>> spare_grads_;
  std::vector<grad_t> sum_;
};

}  // namespace vlt::dist
