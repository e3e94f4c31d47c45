#pragma once
#include <optional>
#include <vlt/optim/schedule.hpp>
#include <vlt/program/sft_job.hpp>
#include <vlt/train/evaluate.hpp>
#include <vlt/train/plan_run.hpp>

namespace vlt::program {

// How long a job is and how large its micro-batches are, from its settings and the audit alone: nothing here depends on
// a precision.
class SftPlan {
 public:
  explicit SftPlan(const SftJob& job) : job_(job), s_(job.settings) {
    if (!job.data) return;
    training_.emplace(job.data->train_plan(s_.seed, s_.training));
    evaluation_.emplace(job.data->eval_plan(s_.evaluation));
  }

  bool trains() const { return s_.trains(); }
  bool evaluates() const {
    return job_.data && !job_.data->split.eval.empty() && (s_.task == SftTask::evaluate || s_.eval_step > 0);
  }
  // There are none without data.
  const data::BatchPlan& training() const { return training_.value(); }
  const data::BatchPlan& evaluation() const { return evaluation_.value(); }

  WorkSize work() const {
    WorkSize w;
    w.micro_batches_per_step = s_.training.accumulation;
    w.decoder_bytes = job_.images ? std::size_t(s_.loader.workers) * job_.images->largest_decode() : 0;
    w.training_loader = s_.loader, w.evaluation_loader = evaluation_loader(s_.loader);
    if (!job_.data) {
      w.training = limit_of(job_.model, s_.training, s_.data.limits.images);
      w.evaluation = limit_of(job_.model, s_.evaluation, s_.data.limits.images);
      return w;
    }
    if (trains()) w.training = training_->largest();
    if (evaluates()) w.evaluation = evaluation_->largest();
    return w;
  }
  std::string heading(const WorkSize& w) const {
    return std::string("planned from ") +
           (job_.data ? "the largest audited micro-batch: " : "the limits, since there is no --data_path: ") +
           std::to_string(w.training.sequences) + " sequences, " + std::to_string(w.training.tokens) + " tokens, " +
           std::to_string(w.training.images) + " images" +
           (w.training.tiles > w.training.images ? " in " + std::to_string(w.training.tiles) + " tiles" : "") + "\n";
  }

  // How full a packed training's micro-batches are. Empty if they are not packed, or nothing is known of the data.
  std::string filling() const {
    if (!job_.data || !trains() || s_.training.tokens == 0) return {};
    char share[16];
    std::snprintf(share, sizeof share, "%.1f", 100 * training_->filled());
    return "packing: " + std::to_string(training_->micro_batches()) + " micro-batches of at most " +
           std::to_string(s_.training.tokens) + " tokens" + (s_.training.ranks > 1 ? " on each rank" : "") + ", " +
           share + " % full, instead of " + std::to_string(unpacked()) + " of " +
           std::to_string(s_.training.sequences) + " sequences\n";
  }

  Schedule schedule() const {
    const Schedule s = make_schedule(s_.schedule, training().schedule_steps(), s_.warmup, s_.rates.learning_rate);
    if (s.warmup > s.steps)
      refuse_option(Complaint("OPT-WARMUP-017", "the warm-up is longer than the training")
                        .at("--num_warmup_steps")
                        .expected("at most " + std::to_string(s.steps) + " steps")
                        .found(std::to_string(s.warmup)));
    return s;
  }

 private:
  const SftJob& job_;
  const SftSettings& s_;
  std::optional<data::BatchPlan> training_, evaluation_;

  // Micro-batches that the training would have without packing.
  Index unpacked() const {
    data::BatchRules rules = s_.training;
    rules.tokens = 0;
    return job_.data->train_plan(s_.seed, rules).micro_batches();
  }
};

}  // namespace vlt::program
