#pragma once
#include <optional>
#include <vlt/optim/schedule.hpp>
#include <vlt/program/sft_job.hpp>
#include <vlt/train/plan_run.hpp>

namespace vlt::program {

// How long a job is and how large its micro-batches are, from its options and the audit alone: nothing here depends on
// a precision.
class SftPlan {
 public:
  explicit SftPlan(const SftJob& job) : job_(job), o_(job.options) {
    if (!job.data) return;
    training_.emplace(job.data->train_plan(std::uint64_t(o_.seed), training_rules()));
    evaluation_.emplace(job.data->eval_plan({.sequences = o_.per_device_eval_batch_size, .ranks = job.world.size()}));
  }

  bool trains() const { return !o_.eval_only; }
  bool evaluates() const { return job_.data && !job_.data->split.eval.empty() && (o_.eval_only || o_.eval_step > 0); }
  // There are none without data.
  const data::BatchPlan& training() const { return training_.value(); }
  const data::BatchPlan& evaluation() const { return evaluation_.value(); }
  data::LoaderSettings training_loader() const {
    data::LoaderSettings s = job_.loader(o_.gradient_accumulation_steps);
    s.rank = job_.world.rank();
    return s;
  }

  WorkSize work() const {
    WorkSize w;
    w.micro_batches_per_step = o_.gradient_accumulation_steps;
    w.decoder_bytes = job_.images ? std::size_t(job_.workers()) * job_.images->largest_decode() : 0;
    w.training_loader = training_loader(), w.evaluation_loader = job_.loader(1);
    if (!job_.data) {
      w.training = limit_of(job_.model, o_.per_device_train_batch_size, o_.max_num_image_per_sample);
      w.evaluation = limit_of(job_.model, o_.per_device_eval_batch_size, o_.max_num_image_per_sample);
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

  Schedule schedule() const {
    const Schedule s = make_schedule(schedule_kind(o_.lr_scheduler_type), training().schedule_steps(),
                                     o_.num_warmup_steps, o_.learning_rate);
    if (s.warmup > s.steps)
      refuse_option(Complaint("OPT-WARMUP-017", "the warm-up is longer than the training")
                        .at("--num_warmup_steps")
                        .expected("at most " + std::to_string(s.steps) + " steps")
                        .found(std::to_string(s.warmup)));
    return s;
  }

 private:
  const SftJob& job_;
  const SftOptions& o_;
  std::optional<data::BatchPlan> training_, evaluation_;

  data::BatchRules training_rules() const {
    data::BatchRules r;
    r.sequences = o_.per_device_train_batch_size, r.ranks = job_.world.size(), r.epochs = o_.num_train_epochs;
    r.accumulation = o_.gradient_accumulation_steps, r.max_steps = o_.max_steps;
    return r;
  }
};

}  // namespace vlt::program
