#pragma once
#include <array>
#include <cmath>
#include <span>
#include <string>
#include <vlt/dist/zero.hpp>
#include <vlt/models/vlm.hpp>
#include <vlt/tensor/workspace.hpp>

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
template <Precision F, class Model, Device D> class Engine {
 public:
  using pixels = typename Model::host_pixels;

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
  // Gradients are computed `loss_scale` times as large as they are, a power of two; results know nothing of it.
  Index begin_step(Index supervised_tokens, double loss_scale = 1) {
    tokens_ = supervised_tokens, loss_scale_ = loss_scale;
    world_.all_reduce_sum(std::span(&tokens_, 1));
    sums_.clear();
    std::fill(group_tokens_.begin(), group_tokens_.end(), Index(0));
    step_cost_ = {};
    return tokens_;
  }

  // Forward and backward of one micro-batch; `last` of this step. x holds the pictures of b (rows: images). Every rank
  // has the same number of them in a step, some perhaps empty.
  void micro_batch(pixels x, const Batch& b, bool last) {
    require(tokens_ > 0, "begin_step() comes before micro_batch()");
    const double each = loss_scale_ / double(tokens_);
    step_cost_ += run([&](Scope& s) { model_.forward_backward(s, x, b, each, saved_, sums_); }, last,
                      training_order_[skips_tower(b)]);
    count_tokens(b.targets);
  }

  // Sums over the ranks, clips gradients to `max_norm` (0: no limit) and updates. `rates`: one per parameter of the
  // registry, those of this step. If loss or gradient is not finite on some rank, no rank updates anything.
  const StepResult& finish_step(std::span<const double> rates, double max_norm) {
    require(tokens_ > 0, "begin_step() comes before finish_step()");
    sum_results();
    const bool finite_loss = std::isfinite(result_.loss);
    workspace_.carry_out(
        [&](Scope& s) { result_.grad_norm = zero_.step(s, rates, max_norm, finite_loss, loss_scale_); });
    result_.finite = std::isfinite(result_.grad_norm) && finite_loss;
    tokens_ = 0;
    return result_;
  }

  // Sums of token losses (not means) of one batch on this rank; nothing changes.
  LossSums evaluate(pixels x, const Batch& b) {
    evaluated_.clear();
    run([&](Scope& s) { model_.evaluate(s, x, b, 1.0, evaluated_); }, true, evaluation_order_[skips_tower(b)]);
    return evaluated_.read();
  }

  // Updates made. A run that is taken up again sets it, and after its masters were loaded lets weights follow them.
  Index updates() const { return zero_.updates(); }
  void set_updates(Index made) { zero_.set_updates(made); }
  void round_masters() {
    workspace_.carry_out([&](Scope& s) { zero_.round_masters(s); });
  }

  Cost step_cost() const { return step_cost_; }  // forward and backward of the last step on this rank
  std::size_t bytes() const { return workspace_.bytes(); }
  std::size_t peak() const { return workspace_.peak(); }        // most of them that was ever in use
  dist::Lender& lender() { return zero_; }                      // of weights, for passes that only read
  const Workspace<D>& workspace() const { return workspace_; }  // free between calls

 private:
  Engine(Model& model, ParameterStore<F, D>& store, Threads& threads, std::size_t bytes, EngineSettings settings,
         dist::world_t<D>* world)
      : model_(model),
        threads_(threads),
        settings_(settings),
        world_(world ? *world : single_),
        zero_(store, world_, settings.zero),
        workspace_(threads, std::max(bytes, update_bytes())),
        sums_(settings.groups, settings.count_correct),
        evaluated_(settings.groups, settings.count_correct) {
    const std::size_t groups = std::size_t(settings_.groups);
    result_.group_loss.resize(groups), result_.group_supervised.resize(groups);
    group_tokens_.resize(groups), totals_.resize(2 * groups + 1);
  }

  // Units of a tower that does not run are not visited, on any rank.
  static std::size_t skips_tower(const Batch& b) { return b.known && !b.known->tower; }

  void count_tokens(const Targets& t) {
    if (t.group.empty()) group_tokens_[0] += Index(t.row.size());
    for (const Index g : t.group) ++group_tokens_[std::size_t(g)];
  }

  std::size_t update_bytes() {
    return planned_bytes(threads_, [&](Scope& s) { zero_.step(s, {}, 0); });
  }

  // Plans a pass over the model, then carries it out. A batch that is larger than the one planned for is refused before
  // it begins, and so is one on which ranks would wait for each other forever: units are visited as the first time,
  // `order`.
  template <class Pass> Cost run(Pass&& pass, bool last, std::vector<dist::UnitVisit>& order) {
    const auto whole = [&](Scope& s) {
      zero_.begin(s, last);
      pass(s);
    };
    const std::size_t arena = planned_bytes(threads_, whole, &zero_);
    if (order.empty()) order = zero_.order();
    require(world_.size() == 1 || order == zero_.order(),
            "a model must visit its units in one order, whatever a batch holds");
    workspace_.make_room(arena + zero_.lent().total());
    return workspace_.carry_out(whole, &zero_);
  }

  // Loss shares, tokens and hits of all ranks.
  void sum_results() {
    const std::size_t groups = group_tokens_.size();
    sums_.read(step_sums_);
    for (std::size_t g = 0; g < groups; ++g) {
      totals_[g] = step_sums_.by_group[g] / loss_scale_;
      totals_[groups + g] = double(group_tokens_[g]);
    }
    totals_[2 * groups] = double(step_sums_.correct);
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
  Workspace<D> workspace_;
  typename Model::saved saved_;
  LossAccumulator<D> sums_, evaluated_;  // of the step in hand; of the batch evaluated last
  LossSums step_sums_;                   // what the host read of the former
  std::vector<Index> group_tokens_;
  std::vector<double> totals_;  // loss per group, tokens per group, hits: what ranks add up
  StepResult result_;
  Index tokens_ = 0;
  double loss_scale_ = 1;
  Cost step_cost_;
  std::array<std::vector<dist::UnitVisit>, 2> training_order_, evaluation_order_;  // with the tower, without
};

}  // namespace vlt
