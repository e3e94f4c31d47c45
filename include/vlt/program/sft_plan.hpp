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

  // Bytes of the features of all pictures that are kept in memory; floats: of a tile.
  std::size_t feature_bytes(Index floats) const {
    if (s_.features != KeptFeatures::in_memory) return 0;
    const auto room = std::size_t(s_.feature_bytes);
    return job_.data ? std::min(room, std::size_t(tiles_of_pictures() * floats) * sizeof(float)) : room;
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

  // Tiles of all pictures that the job sees, each once.
  Index tiles_of_pictures() const {
    const data::SampleSource& source = *job_.data->source;
    const image::PictureRules pictures = source.builder.rules().pictures;
    std::set<std::string> seen;
    Index tiles = 0;
    const auto add = [&](const std::vector<Index>& records) {
      for (const Index record : records) {
        const data::Record& r = source.data.records.at(std::size_t(record));
        for (std::size_t i = 0; i < r.images.size(); ++i)
          if (seen.insert(r.images[i]).second) tiles += pictures.tiles(pictures.vary() ? r.sizes.at(i) : image::Size{});
      }
    };
    add(job_.data->split.train);
    if (evaluates()) add(job_.data->split.eval);
    return tiles;
  }
  // Micro-batches that the training would have without packing.
  Index unpacked() const {
    data::BatchRules rules = s_.training;
    rules.tokens = 0;
    return job_.data->train_plan(s_.seed, rules).micro_batches();
  }
};

}  // namespace vlt::program
