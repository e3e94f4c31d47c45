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
        s_(job.settings),
        plan_(job),
        model_(ModelBuilder<P>(kinds, job.compiled, job.model).build(s_.choice, s_.checkpoint_blocks)) {}

  ExitCode operator()() {
    auto registry = registry_of<P>(model_);
    const Placement placement = s_.zero.placement(job_.world);
    choose_panels(registry, placement);
    const StoreLayout layout(registry, placement, s_.optimizer);
    const std::vector<report::ReportComponent> components =
        report::component_rows(registry, layout, s_.rates, s_.optimizer.weight_decay);
    job_.say(components);
    warn_of_high_rates(registry);
    const WorkSize work = plan_.work();
    const Plan memory = plan_run(model_, layout, *job_.threads, work, job_.floats_per_image(), plan_.trains(), s_.zero);
    if (s_.task == SftTask::plan) job_.say(plan_.heading(work));
    job_.say(memory);
    if (s_.task == SftTask::plan) return ExitCode::ok;
    const Schedule schedule = plan_.trains() ? plan_.schedule() : Schedule{};
    check_fits(memory, available_memory() + anonymous_memory());
    job_.world.does(dist::RankPhase::reading_weights);
    ModelWeights<P> weights(registry, job_.model);
    ParameterStore store(registry, layout);
    const WeightOrigin origin = weights.read_into(store, *job_.threads, s_.seed);
    for (const std::string& w : origin.warnings) job_.messages.warning(Complaint("", w));
    Engine<P::precision, Model, P::device> engine(model_, store, *job_.threads, memory.of("step"), engine_settings(),
                                                  job_.world);
    if (s_.task == SftTask::evaluate) {
      evaluate_only(engine);
    } else {
      const ModelExport<P> exported(job_.model, origin, s_.choice);
      return SftTraining<P>(job_, plan_, model_, engine, store)(schedule, exported, memory, components);
    }
    return ExitCode::ok;
  }

 private:
  SftJob& job_;
  const SftSettings& s_;
  SftPlan plan_;
  Model model_;

  void warn_of_high_rates(const registry_t<P>& registry) const {
    if (!plan_.trains()) return;
    const auto parts = report::high_rate_parts(registry, s_.rates);
    if (const std::string note = report::high_rate_note(parts); !note.empty()) job_.messages.notice(note);
    const bool adapters = s_.choice.vision_adapters.rank > 0 || s_.choice.language_adapters.rank > 0;
    if (std::any_of(parts.begin(), parts.end(), [](const report::HighRatePart& p) { return !p.asked; }))
      job_.messages.warning(report::high_rate_warning(parts, adapters));
  }
  EngineSettings engine_settings() const {
    return {std::max(1, int(s_.data.data_path.size())), s_.log_accuracy, s_.zero};
  }
  void evaluate_only(Engine<P::precision, Model, P::device>& engine) {
    RunState state;
    LostSampleList lost(job_, state);
    SftEvaluation(job_, plan_, model_, engine, lost).print();
  }
};

template <IsPolicy P> ExitCode run_sft(SftJob& job, const ModelKinds<P>& kinds) { return SftRun<P>(job, kinds)(); }

}  // namespace vlt::program
