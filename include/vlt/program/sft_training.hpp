#pragma once
#include <vlt/base/shown_bytes.hpp>
#include <vlt/base/stop_signals.hpp>
#include <vlt/cpu/peak.hpp>
#include <vlt/dist/shared_values.hpp>
#include <vlt/pretrained/export_model.hpp>
#include <vlt/program/receipt.hpp>
#include <vlt/program/run_report.hpp>
#include <vlt/program/settings.hpp>
#include <vlt/program/sft_evaluation.hpp>
#include <vlt/program/sft_resume.hpp>
#include <vlt/report/component_table.hpp>
#include <vlt/report/tensorboard_log.hpp>
#include <vlt/train/metrics_writer.hpp>
#include <vlt/train/trainer.hpp>

namespace vlt::program {

// The progress of a training on the terminal or in its log: every so many steps, and every evaluation.
class ProgressListener final : public TrainerListener {
 public:
  ProgressListener(report::Progress& progress, Index every, Index steps)
      : progress_(progress), every_(every), steps_(steps) {}
  void step_done(const StepMetrics& m, const Pace& pace) override {
    if (m.step % every_ == 0 || m.step == steps_) progress_.step(m, pace.seconds, pace.steps);
  }
  void evaluated(const EvalMetrics& m) override { progress_.evaluation(m); }

 private:
  report::Progress& progress_;
  Index every_, steps_;
};

// Passes on what the cache of features has to say.
class FeatureNews final : public TrainerListener {
 public:
  // cache: may be null.
  FeatureNews(Messages& messages, data::FeatureCache* cache) : messages_(messages), cache_(cache) {}
  void step_done(const StepMetrics&, const Pace&) override { tell(); }
  void evaluated(const EvalMetrics&) override { tell(); }

 private:
  Messages& messages_;
  data::FeatureCache* cache_;

  void tell() {
    if (!cache_) return;
    for (const Complaint& c : cache_->news()) messages_.warning(c);
  }
};

// Writes the model whenever an epoch is over (epoch-0, epoch-1, ...) and, if asked, whenever an evaluation was the best
// so far. Every rank has one, since rank 0, which writes, may hold a share of the model only.
template <IsPolicy P> class EpochExport final : public TrainerListener {
 public:
  // state: of the run, whose history has every evaluation before it is told.
  EpochExport(const SftJob& job, const ModelExport<P>& model, store_t<P>& store, const RunState& state)
      : job_(job), model_(model), store_(store), state_(state) {}
  // Hears of what was written; stays.
  void tell(report::Progress& progress) { progress_ = &progress; }

  void evaluated(const EvalMetrics&) override {
    if (job_.settings.keep_best && evaluations_since_best(state_.history) == 0) write("best", [] {});
  }
  void epoch_done(Index epoch) override {
    write(name(epoch), [&] {
      const Index kept = job_.settings.keep_epochs;
      for (Index old = epoch - kept; kept > 0 && old >= 0; --old)
        std::filesystem::remove_all(job_.output->file(name(old)));
    });
  }

 private:
  const SftJob& job_;
  const ModelExport<P>& model_;
  store_t<P>& store_;
  const RunState& state_;
  report::Progress* progress_ = nullptr;

  static std::string name(Index epoch) { return "epoch-" + std::to_string(epoch); }
  template <class Then> void write(const std::string& name, Then&& then) {
    job_.world.does(dist::RankPhase::exporting);
    dist::SharedValues(store_, job_.world).on_rank_0([&] {
      const std::string folder = job_.output->file(name);
      model_.write(folder, store_);
      then();
      if (progress_) progress_->say("wrote " + folder);
    });
  }
};

// Trains a job's model, from its beginning or from a checkpoint, to its end or until a signal asks it to stop. What is
// written and shown is rank 0's affair, but for checkpoints.
template <IsPolicy P> class SftTraining {
 public:
  using Model = AnyVlm<P>;

  SftTraining(SftJob& job, const SftPlan& plan, Model& model, Engine<P::precision, Model, P::device>& engine,
              store_t<P>& store)
      : job_(job),
        plan_(plan),
        model_(model),
        engine_(engine),
        store_(store),
        lost_(job, state_),
        save_(job, store, state_) {
    if (scales_loss(P::precision)) state_.loss_scale.emplace();
  }

  ExitCode operator()(const Schedule& schedule, const ModelExport<P>& model, const Plan& memory,
                      const std::vector<report::ReportComponent>& components) {
    if (!plan_.evaluates())
      job_.messages.notice("evaluation is off: there are no evaluation records, or --eval_step is 0");
    if (job_.start.checkpoint) take_up(*job_.start.checkpoint);
    data::LoaderSettings settings = job_.settings.loader;
    settings.first = state_.micro_batch;
    data::Loader loader(job_.data->source, plan_.training(), settings);
    Trainer trainer(model_, engine_, loader, state_, trainer_settings(schedule), job_.world);
    const SftEvaluation evaluation(job_, plan_, model_, engine_, lost_);
    trainer.evaluate_by(evaluation);
    trainer.add(lost_);
    FeatureNews news(job_.messages, settings.features.get());
    trainer.add(news);
    trainer.stop_if([this] { return signals_.received(); });
    trainer.save_by([this] { save_(); });
    EpochExport<P> epochs(job_, model, store_, state_);
    trainer.add(epochs);
    const RunEnd end = job_.output ? run_and_show(trainer, epochs, model, memory, components) : run_silently(trainer);
    return end == RunEnd::finished ? ExitCode::ok : ExitCode::preempted;
  }

 private:
  SftJob& job_;
  const SftPlan& plan_;
  Model& model_;
  Engine<P::precision, Model, P::device>& engine_;
  store_t<P>& store_;
  RunState state_;
  LostSampleList lost_;
  CheckpointSaver<P> save_;
  StopSignals signals_;

  // The run stands where the checkpoint left it.
  void take_up(const RunCheckpoint& c) {
    state_ = c.state();
    if (state_.step > plan_.training().schedule_steps() || plan_.training().position(state_.step) != state_.micro_batch)
      manifest::contradiction(c.path(),
                              "a data position that this run never has after step " + std::to_string(state_.step));
    c.load(store_);
    engine_.round_masters();
    state_.taken_up_after.push_back(state_.step);
    if (state_.concluded >= plan_.training().steps())
      job_.messages.notice("all steps of this run are over: nothing is left to do");
  }

  // Weights that ranks share, for the report's questions.
  RankedWeights ranked_weights() {
    return job_.shares_weights() ? RankedWeights{&engine_.lender(), &job_.world} : RankedWeights{};
  }
  // Of a rank that neither writes nor shows anything.
  template <class T> RunEnd run_silently(T& trainer) {
    std::optional<ReportPartner<P>> partner;
    if (job_.shares_weights())
      partner.emplace(job_, model_, engine_.workspace(), ranked_weights(), state_.before_answers.empty());
    const RunEnd end = trainer.run();
    if (partner && end == RunEnd::finished) partner->answer();
    return end;
  }

  template <class T>
  RunEnd run_and_show(T& trainer, EpochExport<P>& epochs, const ModelExport<P>& model, const Plan& memory,
                      const std::vector<report::ReportComponent>& components) {
    const SftSettings& set = job_.settings;
    const Index steps = plan_.training().steps();
    warn_of_little_space(model);
    write_receipt(job_);
    RunReport<P> report(job_, model_, engine_.workspace(), ranked_weights(), memory, components, state_, steps);
    report::Progress progress(job_.out, report::progress_style(set.log_json, 1), steps, double(set.training.epochs),
                              report::terminal_width(1));
    MetricsWriter metrics(job_.output->file("metrics.jsonl"), state_.history);
    ProgressListener shown(progress, set.log_step, steps);
    epochs.tell(progress);
    for (TrainerListener* l : {static_cast<TrainerListener*>(&metrics), static_cast<TrainerListener*>(&shown),
                               static_cast<TrainerListener*>(&report)})
      trainer.add(*l);
    std::optional<report::TensorBoardLog> board;
    if (set.tensorboard) trainer.add(show_on_a_board(board, steps));
    trainer.save_by([&] {
      save_();
      progress.say("saved " + save_.path());
    });
    const RunEnd end = trainer.run();
    end == RunEnd::finished ? report.finish() : report.stop();
    if (board && end == RunEnd::finished) board->finish(report.samples());
    progress.finish();
    if (const std::string total = lost_.total(); !total.empty()) progress.say(total);
    progress.say("wrote " + job_.output->file("report.html"));
    if (end == RunEnd::stopped)
      job_.messages.notice(std::string(signals_.name()) + ": stopped after step " + std::to_string(state_.step) +
                           "; run the same command with --from_checkpoint auto to go on");
    return end;
  }

  TrainerListener& show_on_a_board(std::optional<report::TensorBoardLog>& board, Index steps) const {
    return board.emplace(job_.output->file("tb_logging"), state_, steps,
                         report::TensorBoardLog::Settings{options_json(job_.table, job_.options),
                                                          [this](const Complaint& c) { job_.messages.warning(c); }});
  }

  // A disk that cannot hold the models of all epochs, and the checkpoints, is told before the first step, not after the
  // last.
  void warn_of_little_space(const ModelExport<P>& model) const {
    const auto space = free_space(job_.output->path());
    const Index kept = job_.settings.keep_epochs, epochs = job_.settings.training.epochs;
    const Index folders = (kept > 0 ? std::min(epochs, kept + 1) : epochs) + (job_.settings.keep_best ? 1 : 0);
    const double models = double(model.bytes(store_)) * double(folders);
    const double needed = models + double(checkpoint_bytes(store_.layout())) * double(job_.settings.keep + 1);
    if (!space || double(space->bytes) >= needed) return;
    job_.messages.warning(
        Complaint("WRITE-SPACE-006", "the disk has no room for the models of all epochs and for checkpoints")
            .at(job_.output->path())
            .expected("room for " + shown_bytes(needed) + ", " + std::to_string(folders) +
                      " models, and a checkpoint more than are kept")
            .found(shown_bytes(double(space->bytes)))
            .help("free some space, or name a folder on another disk"));
  }

  TrainerSettings trainer_settings(const Schedule& schedule) const {
    const SftSettings& set = job_.settings;
    const auto& params = store_.registry().params;
    TrainerSettings s;
    s.schedule = schedule, s.max_grad_norm = set.max_grad_norm;
    s.peak_rates = peak_rates(store_.registry(), set.rates);
    for (std::size_t i = 0; i < params.size(); ++i) {
      s.component.push_back(params[i].component);
      if (!params[i].trains()) s.peak_rates[i] = -1;
    }
    s.early_stop = plan_.evaluates() ? set.early_stop : 0;
    s.eval_step = plan_.evaluates() ? set.eval_step : 0, s.save_step = set.save_step, s.log_accuracy = set.log_accuracy;
    s.dataset_names = data::dataset_stems(set.data.data_path);
    s.peak_flops = double(job_.threads->count()) * cpu::peak_flops<typename P::operand>();
    return s;
  }
};

}  // namespace vlt::program
