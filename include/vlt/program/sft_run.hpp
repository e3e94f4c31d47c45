#pragma once
#include <vlt/cpu/peak.hpp>
#include <vlt/data/dataset_stems.hpp>
#include <vlt/data/lost_records.hpp>
#include <vlt/pretrained/export_model.hpp>
#include <vlt/program/receipt.hpp>
#include <vlt/program/run_report.hpp>
#include <vlt/program/sft_job.hpp>
#include <vlt/report/component_table.hpp>
#include <vlt/train/evaluate.hpp>
#include <vlt/train/plan_run.hpp>

namespace vlt {

// A job in one precision: builds the model, plans it, reads its weights, trains or evaluates it.
template <Precision F> class SftRun {
 public:
  using Model = AnyVlm<F>;

  SftRun(SftJob& job, const ModelKinds<F>& kinds)
      : job_(job),
        o_(job.options),
        choice_(job.choice),
        model_(ModelBuilder<F>(kinds, job.compiled, job.model).build(choice_, job.options.gradient_checkpointing)) {
    if (!job.data) return;
    lost_.emplace(job.data->data(), job.bad_sample_rules());
    training_.emplace(job.data->train_plan(std::uint64_t(o_.seed), training_rules()));
    evaluation_.emplace(job.data->eval_plan({.sequences = o_.per_device_eval_batch_size}));
  }

  ExitCode operator()() {
    auto registry = registry_of<any_policy<F>>(model_);
    choose_panels(registry);
    const StoreLayout<F> layout(registry, {});
    components_ = component_rows(registry, layout, o_);
    job_.say(components_);
    warn_of_rash_rates(registry);
    const WorkSize work = work_size();
    const Plan plan = plan_run(model_, layout, *job_.threads, work, job_.floats_per_image(), trains());
    if (o_.plan) job_.say(plan_heading(work));
    job_.say(plan);
    if (o_.plan) return ExitCode::ok;
    const Schedule schedule = trains() ? chosen_schedule() : Schedule{};
    check_fits(plan, available_memory() + anonymous_memory());
    ModelWeights<F> weights(registry, job_.model);
    ParameterStore<F> store(registry);
    origin_ = weights.read_into(store, *job_.threads, std::uint64_t(o_.seed));
    for (const std::string& w : origin_.warnings) job_.messages.warning(Complaint("", w));
    Engine<F, Model> engine(model_, store, *job_.threads, plan.of("step"), engine_settings());
    return o_.eval_only ? evaluate_only(engine) : train(store, engine, plan, schedule);
  }

 private:
  SftJob& job_;
  const SftOptions& o_;
  TrainingChoice choice_;
  Model model_;
  std::vector<ReportComponent> components_;
  WeightOrigin origin_;
  std::optional<LostRecords> lost_;                 // none: there are no data
  std::optional<BatchPlan> training_, evaluation_;  // likewise

  bool trains() const { return !o_.eval_only; }
  bool evaluates() const { return job_.data && !job_.data->split.eval.empty() && (o_.eval_only || o_.eval_step > 0); }
  BatchRules training_rules() const {
    BatchRules r;
    r.sequences = o_.per_device_train_batch_size, r.epochs = o_.num_train_epochs;
    r.accumulation = o_.gradient_accumulation_steps, r.max_steps = o_.max_steps;
    return r;
  }
  LoaderSettings training_loader() const { return job_.loader(o_.gradient_accumulation_steps); }
  WorkSize work_size() const {
    WorkSize w;
    w.micro_batches_per_step = o_.gradient_accumulation_steps,
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
  std::string plan_heading(const WorkSize& w) const {
    return std::string("planned from ") +
           (job_.data ? "the largest audited micro-batch: " : "the limits, since there is no --data_path: ") +
           std::to_string(w.training.sequences) + " sequences, " + std::to_string(w.training.tokens) + " tokens, " +
           std::to_string(w.training.images) + " images" +
           (w.training.tiles > w.training.images ? " in " + std::to_string(w.training.tiles) + " tiles" : "") + "\n";
  }
  void warn_of_rash_rates(const Registry<F>& registry) const {
    const double fastest = fastest_pretrained_rate(registry, o_);
    if (fastest > rash_pretrained_rate && trains())
      job_.messages.notice("pre-trained tensors train at " + number_text(fastest) +
                           ", above 1e-4: see --learning_rate_pretraining_components");
  }
  EngineSettings engine_settings() const {
    EngineSettings s;
    s.optimizer.beta1 = o_.adam_beta1, s.optimizer.beta2 = o_.adam_beta2, s.optimizer.epsilon = o_.adam_epsilon;
    s.optimizer.weight_decay = o_.weight_decay;
    s.groups = std::max(1, int(o_.data_path.size())), s.count_correct = !o_.is_sft_stage;
    return s;
  }
  void tell_lost(const LostSample& l) {
    if (!lost_->add(l.record)) return;
    job_.messages.warning(l.complaint);
    const Record& r = job_.data->data().records[std::size_t(l.record)];
    job_.list({r.place, 1, r.id, l.complaint});
    lost_->judge(l);
  }
  double peak_flops() const { return double(job_.threads->count()) * cpu::peak_flops<typename roles_of<F>::operand>(); }

  EvaluationResult evaluated(Engine<F, Model>& engine) {
    return evaluate<F>(model_, engine, job_.data->source, *evaluation_, job_.loader(1),
                       [this](const LostSample& l) { tell_lost(l); });
  }
  ExitCode evaluate_only(Engine<F, Model>& engine) {
    if (!evaluates())
      refuse_option(Complaint("OPT-DATA-041", "no record is left to evaluate").at("--data_train_split_ratio"));
    const EvaluationResult r = evaluated(engine);
    JsonLine line;
    line.add("eval_loss", r.loss).add("records", r.records).add("supervised_tokens", r.supervised);
    if (!o_.is_sft_stage) line.add("token_accuracy", r.accuracy);
    const auto stems = dataset_stems(o_.data_path);
    JsonLine by_set;
    for (std::size_t g = 0; g < stems.size(); ++g) by_set.add(stems[g], r.loss_by_group[g]);
    job_.out << line.add("loss_by_dataset", by_set).text() << '\n' << std::flush;
    return ExitCode::ok;
  }

  Schedule chosen_schedule() const {
    const Schedule s = make_schedule(schedule_kind(o_.lr_scheduler_type), training_->schedule_steps(),
                                     o_.num_warmup_steps, o_.learning_rate);
    if (s.warmup > s.steps)
      refuse_option(Complaint("OPT-WARMUP-017", "the warm-up is longer than the training")
                        .at("--num_warmup_steps")
                        .expected("at most " + std::to_string(s.steps) + " steps")
                        .found(std::to_string(s.warmup)));
    return s;
  }

  ExitCode train(ParameterStore<F>& store, Engine<F, Model>& engine, const Plan& plan, const Schedule& schedule) {
    const auto& registry = store.registry();
    std::vector<double> rates = peak_rates(registry, peak_rates_of(o_));
    std::vector<ComponentKind> component;
    for (std::size_t i = 0; i < rates.size(); ++i) {
      component.push_back(registry.params[i].component);
      if (!registry.params[i].trains()) rates[i] = -1;
    }
    TrainerSettings settings{*training_,       schedule,
                             o_.max_grad_norm, evaluates() ? o_.eval_step : 0,
                             !o_.is_sft_stage, dataset_stems(o_.data_path),
                             peak_flops()};
    if (!evaluates()) job_.messages.notice("evaluation is off: there are no evaluation records, or --eval_step is 0");
    write_receipt(job_);
    RunReport<F> report(job_, model_, engine.memory(), plan, components_);
    Loader loader(job_.data->source, *training_, training_loader());
    Progress progress(job_.out, progress_style(o_.log_format == "json", 1), training_->steps(),
                      double(o_.num_train_epochs), terminal_width(1));
    MetricsWriter metrics(job_.output->file("metrics.jsonl"));
    TrainerEvents events;
    events.step = [&](const StepMetrics& m, double seconds) {
      metrics.write(m), report.add(m);
      if (m.step % o_.log_step == 0 || m.step == training_->steps()) progress.step(m, seconds, m.step);
    };
    events.evaluate = [&](EvalMetrics m) {
      const EvaluationResult r = evaluated(engine);
      m.eval_loss = r.loss;
      if (!o_.is_sft_stage) m.token_accuracy = r.accuracy;
      metrics.write(m), report.add(m);
      progress.evaluation(m);
      report.write("training: step " + std::to_string(m.step) + " of " + std::to_string(training_->steps()), false);
      return m;
    };
    events.epoch_end = [&](Index epoch, Index) {
      const std::string folder = job_.output->file("epoch-" + std::to_string(epoch));
      ModelExport<F>(job_.model, origin_, choice_).write(folder, store);
      progress.say("wrote " + folder);
    };
    events.lost = [&](const LostSample& l) { tell_lost(l); };
    Trainer<F>(model_, engine, loader, *job_.data->source, rates, component, settings, events).run();
    report.write("finished after " + std::to_string(training_->steps()) + " steps", true);
    progress.finish();
    progress.say("wrote " + job_.output->file("report.html"));
    return ExitCode::ok;
  }
};

}  // namespace vlt
