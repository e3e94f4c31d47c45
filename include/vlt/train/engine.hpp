#pragma once
#include <cmath>
#include <span>
#include <string>
#include <vlt/dist/zero.hpp>
#include <vlt/models/vlm.hpp>
#include <vlt/tensor/buffer.hpp>

namespace vlt {

// What an Engine needs to know besides the model.
struct EngineSettings {
  int groups = 1;              // data sets whose losses are reported apart (Targets::group)
  bool count_correct = false;  // also count supervised tokens that the model predicts exactly
  dist::ZeroSettings zero = {};
};

// What one optimiser step was, over all its micro-batches and all ranks.
struct StepResult {
  double loss = 0;       // mean over supervised tokens
  double grad_norm = 0;  // before clipping
  bool finite = true;    // false: loss or gradient was not, and nothing was updated
  Index supervised = 0, correct = 0;
  std::vector<double> group_loss;       // mean over the group's supervised tokens; 0 where it has none
  std::vector<Index> group_supervised;  // tokens
};

// Carries out optimiser steps: forward and backward of micro-batches, gradients summed, clipped and applied. Owns the
// arena, whose size is decided once (train/plan.hpp) and never grows; after its first step it allocates nothing.
template <Precision F, class Model, Device D = Device::cpu> class Engine {
 public:
  using pixels = typename Model::pixels;

  // `bytes`: what the largest micro-batch needs (PassPlan::bytes, or the lines "step" of a Plan). The model must not
  // move.
  Engine(Model& model, ParameterStore<F, D>& store, Threads& threads, std::size_t bytes, EngineSettings settings = {})
      : Engine(model, store, threads, bytes, settings, nullptr) {}
  // The same as one of several ranks.
  Engine(Model& model, ParameterStore<F, D>& store, Threads& threads, std::size_t bytes, EngineSettings settings,
         dist::world_t<D>& world)
      : Engine(model, store, threads, bytes, settings, &world) {}
  Engine(const Engine&) = delete;

  // Begins an optimiser step with this many supervised tokens on this rank, in all its micro-batches together; it may
  // have none. Returns those of all ranks: the one normaliser of the step's loss. If there are none there is no step.
  Index begin_step(Index supervised_tokens) {
    tokens_ = supervised_tokens;
    world_.all_reduce_sum(std::span(&tokens_, 1));
    clear(sums_);
    std::fill(group_tokens_.begin(), group_tokens_.end(), Index(0));
    step_cost_ = {};
    return tokens_;
  }

  // Forward and backward of one micro-batch; `last` of this step. x holds the pictures of b (rows: images). Every rank
  // has the same number of them in a step, some perhaps empty.
  void micro_batch(pixels x, const Batch& b, bool last) {
    require(tokens_ > 0, "begin_step() comes before micro_batch()");
    const auto pass = [&](Scope& s, LossSums& sums) {
      model_.forward_backward(s, x, b, 1.0 / double(tokens_), saved_, sums);
    };
    plan([&](Scope& s) { pass(s, planned_sums_); }, last, training_order_);
    step_cost_ += run([&](Scope& s) { pass(s, sums_); }, last);
    count_tokens(b.targets);
  }

  // Sums over the ranks, clips gradients to `max_norm` (0: no limit) and updates. `rates`: one per parameter of the
  // registry, those of this step. If loss or gradient is not finite on some rank, no rank updates anything.
  const StepResult& finish_step(std::span<const double> rates, double max_norm) {
    require(tokens_ > 0, "begin_step() comes before finish_step()");
    sum_results();
    Arena arena(memory_);
    Scope scope(arena, threads_);
    const bool finite_loss = std::isfinite(result_.loss);
    result_.grad_norm = zero_.step(scope, rates, max_norm, finite_loss);
    result_.finite = std::isfinite(result_.grad_norm) && finite_loss;
    tokens_ = 0;
    return result_;
  }

  // Sums of token losses (not means) of one batch on this rank; nothing changes.
  LossSums evaluate(pixels x, const Batch& b) {
    LossSums sums;
    clear(sums);
    plan([&](Scope& s) { model_.evaluate(s, x, b, 1.0, planned_sums_); }, true, evaluation_order_);
    run([&](Scope& s) { model_.evaluate(s, x, b, 1.0, sums); }, true);
    return sums;
  }

  // Updates made. A run that is taken up again sets it, and after its masters were loaded lets weights follow them.
  Index updates() const { return zero_.updates(); }
  void set_updates(Index made) { zero_.set_updates(made); }
  void round_masters() {
    Arena arena(memory_);
    Scope scope(arena, threads_);
    zero_.round_masters(scope);
  }

  Cost step_cost() const { return step_cost_; }  // forward and backward of the last step on this rank
  std::size_t bytes() const { return memory_.bytes(); }
  std::size_t peak() const { return peak_; }                      // most of them that was ever in use
  const Buffer<std::byte, D>& memory() const { return memory_; }  // free between calls

 private:
  Engine(Model& model, ParameterStore<F, D>& store, Threads& threads, std::size_t bytes, EngineSettings settings,
         dist::world_t<D>* world)
      : model_(model),
        threads_(threads),
        settings_(settings),
        world_(world ? *world : single_),
        zero_(store, world_, settings.zero),
        memory_(Index(std::max(bytes, update_bytes()))) {
    clear(sums_), clear(planned_sums_);
    const std::size_t groups = std::size_t(settings_.groups);
    result_.group_loss.resize(groups), result_.group_supervised.resize(groups);
    group_tokens_.resize(groups), totals_.resize(2 * groups + 1);
  }

  void clear(LossSums& sums) const {
    sums.by_group.assign(std::size_t(settings_.groups), 0);
    sums.correct = 0, sums.count_correct = settings_.count_correct;
  }

  void count_tokens(const Targets& t) {
    if (t.group.empty()) group_tokens_[0] += Index(t.row.size());
    for (int g : t.group) {
      require(g >= 0 && g < settings_.groups, "a target belongs to a group that EngineSettings does not count");
      ++group_tokens_[g];
    }
  }

  std::size_t update_bytes() {
    Arena plan;
    Scope s(plan, threads_);
    zero_.step(s, {}, 0);
    return plan.peak();
  }

  // Plans what is about to run, so that a batch which is larger than the one planned for is refused before it begins,
  // and so is one on which ranks would wait for each other forever: units are visited as the first time, `order`.
  template <class Pass> void plan(Pass&& pass, bool last, std::vector<dist::UnitVisit>& order) {
    Arena arena;
    Scope s(arena, threads_, &zero_);
    zero_.begin(s, last);
    pass(s);
    if (order.empty()) order = zero_.order();
    require(world_.size() == 1 || order == zero_.order(),
            "a model must visit its units in one order, whatever a batch holds");
    const std::size_t needed = arena.peak() + zero_.lent().total();
    if (needed <= memory_.bytes()) return;
    throw Error(ExitCode::memory, Complaint("MEM-ARENA-001", "a micro-batch needs more memory than was planned")
                                      .expected("at most " + std::to_string(memory_.bytes()) + " bytes")
                                      .found(std::to_string(needed) + " bytes")
                                      .help("plan with a batch at least as large as any that follows"));
  }
  template <class Pass> Cost run(Pass&& pass, bool last) {
    Arena arena(memory_);
    Scope s(arena, threads_, &zero_);
    zero_.begin(s, last);
    pass(s);
    peak_ = std::max(peak_, arena.peak());
    return s.total();
  }

  // Loss shares, tokens and hits of all ranks.
  void sum_results() {
    const std::size_t groups = group_tokens_.size();
    for (std::size_t g = 0; g < groups; ++g) {
      totals_[g] = sums_.by_group[g];
      totals_[groups + g] = double(group_tokens_[g]);
    }
    totals_[2 * groups] = double(sums_.correct);
    world_.all_reduce_sum(std::span(totals_));
    result_.loss = 0;
    for (std::size_t g = 0; g < groups; ++g) {
      const double share = totals_[g], tokens = totals_[groups + g];
      result_.loss += share;
      result_.group_supervised[g] = Index(tokens);
      result_.group_loss[g] = tokens > 0 ? share * double(tokens_) / tokens : 0;
    }
    result_.supervised = tokens_, result_.correct = Index(totals_[2 * groups]);
  }

  Model& model_;
  Threads& threads_;
  EngineSettings settings_;
  dist::Single single_;
  dist::world_t<D>& world_;
  dist::Zero<F, D> zero_;
  Buffer<std::byte, D> memory_;
  typename Model::saved saved_;
  LossSums sums_, planned_sums_;
  std::vector<Index> group_tokens_;
  std::vector<double> totals_;  // loss per group, tokens per group, hits: what ranks add up
  StepResult result_;
  Index tokens_ = 0;
  Cost step_cost_;
  std::size_t peak_ = 0;
  std::vector<dist::UnitVisit> training_order_, evaluation_order_;
};

}  // namespace vlt
