#pragma once
#include <vlt/train/plan_run.hpp>
#include <vlt/train/step_timeline.hpp>

namespace vlt {

// Plans a run for ranks that are not there: their memory, and the time of their steps.
template <IsPolicy P> class RankPlans {
 public:
  static constexpr int stages = 4;

  // Changes which weights the registry calls packed, as each placement wants it.
  RankPlans(AnyVlm<P>& model, registry_t<P>& registry, const AdamW& optimizer, Threads& threads, const WorkSize& work,
            Index floats_per_image)
      : model_(model),
        registry_(registry),
        optimizer_(optimizer),
        threads_(threads),
        work_(work),
        floats_per_image_(floats_per_image) {}

  // The memory of one of so many ranks.
  Plan memory(int ranks, int stage, bool offload = false) {
    const dist::ZeroSettings zero = dist::ZeroSettings::of_stage(stage, ranks, offload);
    return plan_run(model_, layout(zero, ranks), threads_, work_, floats_per_image_, true, zero);
  }
  // What it does in a step.
  StepTimeline step(int ranks, int stage) {
    const dist::ZeroSettings zero = dist::ZeroSettings::of_stage(stage, ranks);
    const layout_t<P> of_rank = layout(zero, ranks);
    dist::Zero planner(of_rank, zero);
    const Batch b = empty_batch(model_, work_.training);
    typename AnyVlm<P>::host_pixels x;
    x.rows = work_.training.tiles, x.cols = x.stride = floats_per_image_;
    typename AnyVlm<P>::saved saved;
    typename AnyVlm<P>::Losses sums(b.targets.groups());
    StepTimeline timeline(ranks, zero.stage);
    timeline.add(threads_, planner, work_.micro_batches_per_step,
                 [&](Scope& s) { model_.forward_backward(s, x, b, 1.0, saved, sums); });
    timeline.add_update(threads_, planner, [&](Scope& s) { planner.step(s, {}, 0); });
    return timeline;
  }

 private:
  AnyVlm<P>& model_;
  registry_t<P>& registry_;
  AdamW optimizer_;
  Threads& threads_;
  WorkSize work_;
  Index floats_per_image_;

  layout_t<P> layout(const dist::ZeroSettings& zero, int ranks) {
    const Placement placement = zero.placement(0, ranks);
    choose_panels(registry_, placement);
    return layout_t<P>(registry_, placement, optimizer_);
  }
};

// Plans side by side, for people: a column for each, with its bytes by kind, over all components.
inline std::string plans_table(const std::vector<std::string>& headings, const std::vector<Plan>& plans) {
  std::vector<std::string> kinds;
  for (const Plan& p : plans)
    for (const PlanLine& l : p.lines)
      if (std::find(kinds.begin(), kinds.end(), l.kind) == kinds.end()) kinds.push_back(l.kind);
  std::string text;
  const auto row = [&](const std::string& name, auto&& cell) {
    char field[64];
    std::snprintf(field, sizeof field, "%-20.40s", name.c_str());
    text += field;
    for (std::size_t i = 0; i < plans.size(); ++i) {
      std::snprintf(field, sizeof field, " %12.40s", std::string(cell(i)).c_str());
      text += field;
    }
    text += "\n";
  };
  row("", [&](std::size_t i) { return headings[i]; });
  for (const std::string& kind : kinds)
    row(kind, [&](std::size_t i) {
      std::size_t bytes = 0;
      for (const PlanLine& l : plans[i].lines) bytes += l.kind == kind ? l.bytes : 0;
      return bytes > 0 ? shown_bytes(double(bytes)) : "-";
    });
  row("total", [&](std::size_t i) { return shown_bytes(double(plans[i].total())); });
  if (std::any_of(plans.begin(), plans.end(), [](const Plan& p) { return p.in_files > 0; }))
    row("in files", [&](std::size_t i) { return shown_bytes(double(plans[i].in_files)); });
  return text;
}

}  // namespace vlt
