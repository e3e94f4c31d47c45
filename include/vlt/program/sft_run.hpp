#pragma once
#include <vlt/pretrained/build_model.hpp>
#include <vlt/pretrained/tower_origin.hpp>
#include <vlt/program/sft_training.hpp>
#include <vlt/train/rank_plans.hpp>

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
    const Placement placement = s_.zero.placement(job_.world.rank(), s_.ranks);
    choose_panels(registry, placement);
    const StoreLayout layout(registry, placement, s_.optimizer);
    const std::vector<report::ReportComponent> components =
        report::component_rows(registry, layout, s_.rates, s_.optimizer.weight_decay);
    job_.say(components);
    warn_of_high_rates(registry);
    if (const std::string filling = plan_.filling(); !filling.empty()) job_.say(filling);
    WorkSize work = plan_.work();
    if (s_.features != KeptFeatures::nowhere)
      work.feature_floats = floats_of_features(), work.feature_bytes = plan_.feature_bytes(work.feature_floats);
    const Plan memory = plan_run(model_, layout, *job_.threads, work, job_.floats_per_image(), plan_.trains(), s_.zero);
    if (s_.task == SftTask::plan) {
      job_.say(plan_.heading(work));
      job_.options.ranks > 0 ? plan_ranks(registry, work) : job_.say(memory);
      return ExitCode::ok;
    }
    job_.say(memory);
    const Schedule schedule = plan_.trains() ? plan_.schedule() : Schedule{};
    check_fits(memory, available_memory() + anonymous_memory());
    job_.world.does(dist::RankPhase::reading_weights);
    ModelWeights<P> weights(registry, job_.model);
    std::optional<FileMemory> files;
    if (placement.offload_optimizer) files.emplace(job_.options.output_dir);
    ParameterStore store(registry, layout, files ? &*files : nullptr);
    const WeightOrigin origin = weights.read_into(store, *job_.threads, s_.seed);
    for (const std::string& w : origin.warnings) job_.messages.warning(Complaint("", w));
    Engine<P::precision, Model, P::device> engine(model_, store, *job_.threads, memory.of("step"), engine_settings(),
                                                  job_.world);
    if (s_.task == SftTask::evaluate) {
      evaluate_only(engine);
    } else {
      if (s_.features != KeptFeatures::nowhere) job_.settings.loader.features = feature_cache(store);
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

  // The memory of ranks that need not be there, and the time of their steps.
  void plan_ranks(registry_t<P>& registry, const WorkSize& work) {
    using Plans = RankPlans<P>;
    Plans plans(model_, registry, s_.optimizer, *job_.threads, work, job_.floats_per_image());
    std::vector<std::string> stages;
    std::vector<Plan> memory;
    for (int stage = 0; stage < Plans::stages; ++stage)
      stages.push_back("stage " + std::to_string(stage)),
          memory.push_back(plans.memory(s_.ranks, stage, s_.zero.offload));
    job_.say("memory of each of " + std::to_string(s_.ranks) + " ranks\n" + plans_table(stages, memory));
    if (s_.network_bytes == 0) return;
    const RankMachine machine{s_.peak_flops > 0 ? s_.peak_flops : most_flops(), s_.network_bytes};
    std::vector<StepTimeline> steps;
    for (int ranks = 1; ranks <= s_.ranks; ranks = ranks < s_.ranks ? std::min(2 * ranks, s_.ranks) : ranks + 1)
      for (int stage = 0; stage < Plans::stages; ++stage) steps.push_back(plans.step(ranks, stage));
    job_.say(steps_table(steps, Plans::stages, machine));
  }
  double most_flops() const { return double(job_.threads->count()) * cpu::peak_flops<typename P::operand>(); }

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
  // Of one tile.
  Index floats_of_features() const {
    Segments tile;
    tile.append(1, TokenKind::image);
    return model_.vision.out_segments(tile).rows() * model_.vision.width();
  }
  // Collective: nobody writes before rank 0 has tidied up.
  std::shared_ptr<data::FeatureCache> feature_cache(store_t<P>& store) const {
    const std::string folder = job_.options.output_dir + "/vision_features";
    if (job_.speaks()) data::DiskFeatures::remove_drafts(folder);
    const std::string origin = tower_origin<P>(job_.model, store, job_.world);
    const auto bytes = std::uint64_t(s_.feature_bytes);
    if (s_.features == KeptFeatures::in_memory)
      return std::make_shared<data::MemoryFeatures>(origin, floats_of_features(), bytes);
    return std::make_shared<data::DiskFeatures>(origin, floats_of_features(), bytes, folder, job_.world.size());
  }
  void evaluate_only(Engine<P::precision, Model, P::device>& engine) {
    RunState state;
    LostSampleList lost(job_, state);
    SftEvaluation(job_, plan_, model_, engine, lost).print();
  }
};

template <IsPolicy P> ExitCode run_sft(SftJob& job, const ModelKinds<P>& kinds) { return SftRun<P>(job, kinds)(); }

}  // namespace vlt::program
