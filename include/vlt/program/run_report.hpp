#pragma once
#include <vlt/base/shown_bytes.hpp>
#include <vlt/program/sft_job.hpp>
#include <vlt/report/audit_page.hpp>
#include <vlt/report/progress.hpp>
#include <vlt/report/report.hpp>
#include <vlt/train/answer.hpp>
#include <vlt/train/plan.hpp>
#include <vlt/train/process_memory.hpp>
#include <vlt/train/run_state.hpp>
#include <vlt/train/trainer_listener.hpp>

namespace vlt::program {

// How a report's questions are answered: greedily, in a few words.
inline constexpr Sampling report_sampling{32, 0, 1, 0};

// What a rank does for the report of rank 0 where ranks share the model: it answers the same questions. Collective, as
// the report is then.
template <IsPolicy P> class ReportPartner {
 public:
  ReportPartner(const SftJob& job, AnyVlm<P>& model, const typename Generator<P>::Memory& memory, RankedWeights weights,
                bool before)
      : job_(job), answer_(model, *job.threads, job.model, *job.images, &memory, weights) {
    if (!model.language.can_generate()) return;
    std::istringstream records(dist::gather_texts(job.world, "").front());
    for (Index r = 0; records >> r;) records_.push_back(r);
    if (before) answer();
  }
  void answer() {
    job_.world.does(dist::RankPhase::reporting);
    for (std::size_t i = 0; i < records_.size(); ++i) {
      const Question q = questions_of(job_.data->data().records[std::size_t(records_[i])], records_[i]).front();
      answer_(q.conversation, q.images, report_sampling, i);
    }
  }

 private:
  const SftJob& job_;
  Answerer<P> answer_;
  std::vector<Index> records_;
};

// report.html of a run: shows its history, asks the model a few held-out questions before and after, and is written
// again whenever something worth seeing has happened. What the model said before is kept in the run's state. A model
// that cannot generate is asked nothing; one that ranks share answers with the help of all (ReportPartner).
template <IsPolicy P> class RunReport final : public TrainerListener {
 public:
  static constexpr Index most_questions = 6;
  static constexpr double flops_for_answers = 3e12;  // a large model is asked fewer questions

  // memory: the engine's, which is free between steps.
  RunReport(const SftJob& job, AnyVlm<P>& model, const typename Generator<P>::Memory& memory, RankedWeights weights,
            const Plan& plan, std::vector<report::ReportComponent> components, RunState& state, Index steps)
      : job_(job),
        answer_(model, *job.threads, job.model, *job.images, &memory, weights),
        state_(state),
        steps_(steps) {
    data_.title = "VLTune: " + std::filesystem::path(job.output->path()).filename().string();
    data_.components = std::move(components);
    data_.audit = report::audit_rows(job.data->data());
    for (const PlanLine& l : plan.lines)
      data_.memory.emplace_back(l.component + ": " + l.kind, shown_bytes(double(l.bytes)));
    data_.memory.emplace_back("total", shown_bytes(double(plan.total())));
    if (plan.in_files > 0) data_.memory.emplace_back("in files (--offload)", shown_bytes(double(plan.in_files)));
    for (const auto& row : job.table.rows)
      if (const std::string value = option_value(job.options, row); !value.empty())
        data_.options.emplace_back(row.name, value);
    if (!model.language.can_generate()) return;
    const double each = plan.evaluation_flops / double(job.settings.evaluation.sequences);
    choose(each > 0 ? Index(std::min(double(most_questions), flops_for_answers / each)) : most_questions);
    if (weights.world) tell_partners();
    if (state_.before_answers.empty()) state_.before_answers = answers();
    show(state_.before_answers, &report::ReportSample::before);
  }

  void evaluated(const EvalMetrics& m) override {
    write("training: step " + std::to_string(m.step) + " of " + std::to_string(steps_), false);
  }
  // The questions, and what the model has said to them so far.
  const std::vector<report::ReportSample>& samples() const { return data_.samples; }
  // The run has ended before its end, and can be taken up again.
  void stop() {
    write("stopped after step " + std::to_string(state_.step) + " of " + std::to_string(steps_) +
              "; goes on with --from_checkpoint auto",
          true);
  }
  // The run has ended.
  void finish() {
    show(answers(), &report::ReportSample::after);
    const Index idle = state_.skipped() - state_.overflows;
    write("finished after " + std::to_string(state_.step) + " steps" +
              (state_.step < steps_ ? " of " + std::to_string(steps_) + ": evaluations found no lower loss" : "") +
              (idle > 0 ? ", " + std::to_string(idle) + " of them without a record" : ""),
          true);
  }

 private:
  const SftJob& job_;
  Answerer<P> answer_;
  RunState& state_;
  Index steps_;
  report::ReportData data_;
  std::vector<Question> questions_;

  void write(const std::string& status, bool over) {
    data_.status = status, data_.running = !over, data_.metrics = state_.history;
    data_.taken_up_after = state_.taken_up_after;
    facts();
    report::write_report(job_.output->file("report.html"), data_);
  }

  // The first question of the first held-out records, those with pictures first.
  void choose(Index count) {
    const data::Dataset& data = job_.data->data();
    for (const bool pictures : {true, false})
      for (const Index record : job_.data->split.eval) {
        if (Index(questions_.size()) == count) break;
        const data::Record& r = data.records[std::size_t(record)];
        if (r.images.empty() == pictures) continue;
        const Question q = questions_of(r, record).front();
        report::ReportSample sample{
            r.id, q.conversation.turns.back().question, q.conversation.turns.back().answer, {}, {}, {}};
        if (!show(q.images, sample)) continue;
        questions_.push_back(q);
        data_.samples.push_back(std::move(sample));
      }
  }
  void tell_partners() const {
    std::string records;
    for (const Question& q : questions_) records += std::to_string(q.record) + " ";
    dist::gather_texts(job_.world, records);
  }
  // False if a picture cannot be decoded: whether that ends the run is for whoever trains on it to say.
  bool show(const std::vector<std::string>& images, report::ReportSample& sample) const {
    try {
      for (const std::string& name : images) sample.pictures.push_back({name, job_.images->seen(name).front()});
    } catch (const Error& e) {
      if (e.exit() != ExitCode::data) throw;
      return false;
    }
    return true;
  }
  std::vector<std::string> answers() {
    std::vector<std::string> all;
    job_.world.does(dist::RankPhase::reporting);
    for (const Question& q : questions_) all.push_back(answer_(q.conversation, q.images, report_sampling, all.size()));
    return all;
  }
  void show(const std::vector<std::string>& answers, std::optional<std::string> report::ReportSample::*when) {
    for (std::size_t i = 0; i < answers.size() && i < data_.samples.size(); ++i) data_.samples[i].*when = answers[i];
  }
  void facts() {
    data_.facts.clear();
    const auto fact = [&](const char* name, std::string value) { data_.facts.emplace_back(name, std::move(value)); };
    const report::ReportComponent all = report::sum_of(data_.components);
    fact("parameters", report::shown_count(double(all.parameters)));
    fact("of them trained", report::shown_count(double(all.trainable)));
    if (const auto& steps = data_.metrics.steps; !steps.empty()) {
      fact("steps", std::to_string(steps.back().step));
      fact("loss", number(steps.back().loss));
      if (state_.overflows > 0) fact("of them skipped: gradients not finite", std::to_string(state_.overflows));
      fact("tokens per second", report::shown_count(steps.back().tokens_per_s));
      if (steps.back().filled) fact("micro-batches filled", number(100 * filled(steps)) + " %");
    }
    if (!state_.lost_records.empty()) fact("records lost while decoding", std::to_string(state_.lost_records.size()));
    if (const auto& e = data_.metrics.evaluations; !e.empty()) {
      fact("eval loss", number(e.back().eval_loss));
      if (const EvalMetrics* best = best_evaluation(data_.metrics); best != &e.back())
        fact("lowest eval loss", number(best->eval_loss) + " after step " + std::to_string(best->step));
      if (e.back().token_accuracy) fact("token accuracy", number(100 * *e.back().token_accuracy) + " %");
    }
    fact("peak memory", shown_bytes(double(peak_memory())));
  }
  static double filled(const std::vector<StepMetrics>& steps) {
    double sum = 0;
    for (const StepMetrics& m : steps) sum += m.filled.value_or(0);
    return sum / double(steps.size());
  }
  static std::string number(double x) {
    char text[32];
    std::snprintf(text, sizeof text, "%.4g", x);
    return text;
  }
};

}  // namespace vlt::program
