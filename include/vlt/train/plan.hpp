#pragma once
#include <cstdio>
#include <ostream>
#include <string>
#include <vector>
#include <vlt/base/shown_bytes.hpp>
#include <vlt/dist/zero.hpp>
#include <vlt/models/vlm.hpp>
#include <vlt/optim/parameter_groups.hpp>
#include <vlt/optim/store_layout.hpp>
#include <vlt/tensor/workspace.hpp>

namespace vlt {

// What one pass needs: memory of the arena, memory lent to units, arithmetic; and what it does, by operation.
struct PassPlan {
  std::size_t arena_bytes = 0;
  dist::LentBytes lent;
  Cost cost;
  CostTable operations;

  std::size_t bytes() const { return arena_bytes + lent.total(); }
};

// Runs a pass without executing anything: the code that plans is the code that runs. `lender`: whose hooks the units
// call (dist::Zero), if there are several ranks.
template <class Pass> PassPlan plan_pass(Threads& threads, dist::Lender* lender, Pass&& pass) {
  PassPlan plan;
  Arena arena;
  Scope s(arena, threads, lender, &plan.operations);
  if (lender) lender->begin(s, true);
  pass(s);
  if (lender) plan.lent = lender->lent();
  plan.arena_bytes = arena.peak(), plan.cost = s.total();
  return plan;
}

// Forward and backward of one micro-batch. x needs a shape, no data; the model needs no memory.
template <class Model>
PassPlan plan_training(Model& model, Threads& threads, typename Model::host_pixels x, const Batch& b,
                       dist::Lender* lender = nullptr) {
  typename Model::saved saved;
  typename Model::Losses sums(b.targets.groups());
  x.data = nullptr;
  return plan_pass(threads, lender, [&](Scope& s) { model.forward_backward(s, x, b, 1.0, saved, sums); });
}

// The same for an evaluation.
template <class Model>
PassPlan plan_evaluation(Model& model, Threads& threads, typename Model::host_pixels x, const Batch& b,
                         dist::Lender* lender = nullptr) {
  typename Model::Losses sums(b.targets.groups());
  x.data = nullptr;
  return plan_pass(threads, lender, [&](Scope& s) { model.evaluate(s, x, b, 1.0, sums); });
}

// What ends an optimiser step: gradients summed and clipped, parameters updated.
template <Precision F, Device D> PassPlan plan_update(dist::Zero<F, D>& zero, Threads& threads) {
  return plan_pass(threads, nullptr, [&](Scope& s) { zero.step(s, {}, 0); });
}

// One kind of memory of one component.
struct PlanLine {
  std::string component, kind;
  std::size_t bytes = 0;
};

// All memory that a run will use, and the arithmetic of one of its steps, known before anything is allocated.
struct Plan {
  std::vector<PlanLine> lines;
  std::size_t in_files = 0;     // on the disk instead: what is offloaded
  double step_flops = 0;        // one optimiser step: all its micro-batches, and the update
  double evaluation_flops = 0;  // one evaluation micro-batch

  // A kind that needs nothing has no line.
  void add(std::string component, std::string kind, std::size_t bytes) {
    if (bytes > 0) lines.push_back({std::move(component), std::move(kind), bytes});
  }
  std::size_t total() const {
    std::size_t sum = 0;
    for (const PlanLine& l : lines) sum += l.bytes;
    return sum;
  }
  std::size_t of(std::string_view component, std::string_view kind = {}) const {
    std::size_t sum = 0;
    for (const PlanLine& l : lines)
      if (l.component == component && (kind.empty() || l.kind == kind)) sum += l.bytes;
    return sum;
  }
};

// The lines of a model's parameters.
template <Precision F, Device D> void add_parameters(Plan& plan, const StoreLayout<F, D>& layout) {
  for (const ComponentKind c : component_kinds) {
    const StoreBytes b = layout.bytes(c);
    plan.add(name(c), "weights", b.compute);
    plan.add(name(c), "packed weights", b.panels);
    plan.add(name(c), "gradients", b.gradient);
    const bool in_files = layout.placement().offload_optimizer;
    if (in_files) plan.in_files += b.master + b.state;
    plan.add(name(c), "master weights", in_files ? 0 : b.master);
    plan.add(name(c), "optimiser state", in_files ? 0 : b.state);
  }
}

// The memory that training, evaluation and update use in turn: its lines are those of the one that needs most. And the
// arithmetic of a step of `micro_batches`.
inline void add_step(Plan& plan, const PassPlan& training, const PassPlan& evaluation, const PassPlan& update,
                     int micro_batches) {
  const auto less = [](const PassPlan& a, const PassPlan& b) { return a.bytes() < b.bytes(); };
  const PassPlan& largest = std::max(std::max(training, evaluation, less), update, less);
  plan.add("step", "activations", largest.arena_bytes);
  plan.add("step", "lent weights", largest.lent.weights);
  plan.add("step", "lent gradients", largest.lent.gradients);
  plan.step_flops = training.cost.flops * micro_batches + update.cost.flops;
  plan.evaluation_flops = evaluation.cost.flops;
}

// A table for people: one row per line of the plan, its total, and the arithmetic.
inline std::ostream& operator<<(std::ostream& out, const Plan& plan) {
  char row[160];
  for (const PlanLine& l : plan.lines) {
    std::snprintf(row, sizeof row, "%-12.40s %-20.40s %12s\n", l.component.c_str(), l.kind.c_str(),
                  shown_bytes(double(l.bytes)).c_str());
    out << row;
  }
  std::snprintf(row, sizeof row, "%-33s %12s\n", "total", shown_bytes(double(plan.total())).c_str());
  out << row;
  if (plan.in_files > 0) {
    std::snprintf(row, sizeof row, "%-33s %12s\n", "in files (--offload)", shown_bytes(double(plan.in_files)).c_str());
    out << row;
  }
  std::snprintf(row, sizeof row, "%-33s %8.3f TFLOP\n", "one optimiser step", plan.step_flops * 1e-12);
  return out << row;
}

// Refuses a plan that does not fit into `limit` bytes (available_memory()), naming its three largest lines.
inline void check_fits(const Plan& plan, std::size_t limit) {
  if (plan.total() <= limit) return;
  auto lines = plan.lines;
  std::sort(lines.begin(), lines.end(), [](const PlanLine& a, const PlanLine& b) { return a.bytes > b.bytes; });
  std::string largest;
  for (std::size_t i = 0; i < lines.size() && i < 3; ++i)
    largest += (i ? ", " : "") + lines[i].component + " " + lines[i].kind + " " + shown_bytes(double(lines[i].bytes));
  throw Error(ExitCode::memory, Complaint("MEM-PLAN-001", "the plan does not fit into memory")
                                    .expected("at most " + shown_bytes(double(limit)))
                                    .found(shown_bytes(double(plan.total())) + " (" + largest + ")")
                                    .help("lower --per_device_train_batch_size or --max_seq_len, use "
                                          "--gradient_checkpointing or --offload, or train less")
                                    .note("nothing was allocated"));
}

}  // namespace vlt
