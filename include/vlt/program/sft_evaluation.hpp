#pragma once
#include <vlt/data/dataset_stems.hpp>
#include <vlt/data/lost_records.hpp>
#include <vlt/program/sft_plan.hpp>
#include <vlt/train/evaluate.hpp>
#include <vlt/train/run_state.hpp>
#include <vlt/train/trainer_listener.hpp>

namespace vlt::program {

// Tells people of the records that a job loses while it decodes, each once, and ends it when they are too many.
class LostSampleList final : public TrainerListener {
 public:
  LostSampleList(SftJob& job, RunState& state)
      : job_(job), lost_(job.data->data(), job.data->split, job.bad_sample_rules(), state.lost_records) {}

  void sample_lost(const data::LostSample& l) override {
    if (!lost_.add(l.record)) return;
    job_.messages.warning(l.complaint);
    const data::Record& r = job_.data->data().records[std::size_t(l.record)];
    job_.list({r.place, 1, r.id, l.complaint});
    lost_.judge(l);
  }
  // What became of the records; empty if none was lost while decoding.
  std::string total() const { return lost_.any() ? lost_.total() : std::string(); }

 private:
  SftJob& job_;
  data::LostRecords lost_;
};

// Evaluates a job's model on the records that are held out.
template <class Model, class Engine> class SftEvaluation {
 public:
  SftEvaluation(SftJob& job, const SftPlan& plan, Model& model, Engine& engine, LostSampleList& lost)
      : job_(job),
        model_(model),
        engine_(engine),
        lost_(lost),
        data_{job.data->source, plan.evaluation(), job.settings.loader} {}

  EvaluationResult operator()() const {
    return evaluate(model_, engine_, data_, job_.world, [this](const data::LostSample& l) { lost_.sample_lost(l); });
  }
  // One line of JSON: all that --eval_only gives.
  void print() const {
    const EvaluationResult r = (*this)();
    JsonLine line;
    line.add("eval_loss", r.loss).add("records", r.records).add("supervised_tokens", r.supervised);
    if (job_.settings.log_accuracy) line.add("token_accuracy", r.accuracy);
    const auto stems = data::dataset_stems(job_.settings.data.data_path);
    JsonLine by_set;
    for (std::size_t g = 0; g < stems.size(); ++g) by_set.add(stems[g], r.loss_by_group[g]);
    if (job_.speaks()) job_.out << line.add("loss_by_dataset", by_set).text() << '\n' << std::flush;
  }

 private:
  SftJob& job_;
  Model& model_;
  Engine& engine_;
  LostSampleList& lost_;
  EvaluationData data_;
};

}  // namespace vlt::program
