#pragma once
#include <vlt/pretrained/build_model.hpp>
#include <vlt/program/sft_training.hpp>

namespace vlt::program {

// A job in one precision: builds its model, plans it, reads its weights, and has it trained or evaluated.
template <IsPolicy P> class SftRun {
 public:
  using Model = AnyVlm<P>;

  SftRun(SftJob& job, const ModelKinds<P>& kinds)
      : job_(job),
        o_(job.options),
        plan_(job),
        model_(ModelBuilder<P>(kinds, job.compiled, job.model).build(job.choice, job.options.gradient_checkpointing)) {}

  ExitCode operator()() {
    auto registry = registry_of<P>(model_);
    const dist::ZeroSettings zero{.stage = int(o_.zero_stage)};
    const Placement placement = zero.placement(job_.world);
    choose_panels(registry, placement);
    const StoreLayout layout(registry, placement, optimizer());
    const std::vector<report::ReportComponent> components =
        report::component_rows(registry, layout, peak_rates(o_), o_.weight_decay);
    job_.say(components);
    warn_of_high_rates(registry);
    const WorkSize work = plan_.work();
    const Plan memory = plan_run(model_, layout, *job_.threads, work, job_.floats_per_image(), plan_.trains(), zero);
    if (o_.plan) job_.say(plan_.heading(work));
    job_.say(memory);
    if (o_.plan) return ExitCode::ok;
    const Schedule schedule = plan_.trains() ? plan_.schedule() : Schedule{};
    check_fits(memory, available_memory() + anonymous_memory());
    ModelWeights<P> weights(registry, job_.model);
    ParameterStore store(registry, layout);
    const WeightOrigin origin = weights.read_into(store, *job_.threads, std::uint64_t(o_.seed));
    for (const std::string& w : origin.warnings) job_.messages.warning(Complaint("", w));
    Engine<P::precision, Model, P::device> engine(model_, store, *job_.threads, memory.of("step"),
                                                  engine_settings(zero), job_.world);
    if (o_.eval_only) {
      evaluate_only(engine);
    } else {
      const ModelExport<P> exported(job_.model, origin, job_.choice);
      SftTraining<P>(job_, plan_, model_, engine, store)(schedule, exported, memory, components);
    }
    return ExitCode::ok;
  }

 private:
  SftJob& job_;
  const SftOptions& o_;
  SftPlan plan_;
  Model model_;

  void warn_of_high_rates(const registry_t<P>& registry) const {
    const double fastest = report::fastest_pretrained_rate(registry, peak_rates(o_));
    if (fastest > report::highest_usual_rate && plan_.trains())
      job_.messages.notice("pre-trained tensors train at " + number_text(fastest) +
                           ", above 1e-4: see --learning_rate_pretraining_components");
  }
  AdamW optimizer() const { return {o_.adam_beta1, o_.adam_beta2, o_.adam_epsilon, o_.weight_decay}; }
  EngineSettings engine_settings(dist::ZeroSettings zero) const {
    return {std::max(1, int(o_.data_path.size())), !o_.is_sft_stage, zero};
  }
  void evaluate_only(Engine<P::precision, Model, P::device>& engine) {
    if (!plan_.evaluates())
      refuse_option(Complaint("OPT-DATA-041", "no record is left to evaluate").at("--data_train_split_ratio"));
    RunState state;
    LostSampleList lost(job_, state);
    SftEvaluation(job_, plan_, model_, engine, lost).print();
  }
};

template <IsPolicy P> ExitCode run_sft(SftJob& job, const ModelKinds<P>& kinds) { return SftRun<P>(job, kinds)(); }

}  // namespace vlt::program
