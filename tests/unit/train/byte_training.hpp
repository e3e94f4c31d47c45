#pragma once
#include <set>
#include <unit/data/byte_samples.hpp>
#include <vlt/train/plan_run.hpp>
#include <vlt/train/run_checkpoint.hpp>
#include <vlt/train/trainer.hpp>
#include "small_vlm.hpp"
#include "store_shares.hpp"

// The small model trained by a Trainer on records of which some are lost, as one rank of a run.
namespace byte_training {
using namespace small_vlm;

constexpr Index floats = 3 * picture * picture, picture_tokens = 5;

// The small model, with words for bytes.
template <class P> Model<P> build_for_bytes() {
  const ClipSizes clip{.image = picture, .patch = patch, .depth = 1, .block = block(8, true)};
  const LlamaSizes llama{.vocabulary = 259, .depth = 2, .tied = true, .block = block(12, false)};
  return {ClipVit<P, ClipBlock<P>>(clip), baseline_projector<typename P::trainable>(8, 12),
          LlamaDecoder<P, LlamaBlock<P, mask::Mmca>>(llama)};
}
template <class P> Model<P> with_adapters() {
  auto model = build_for_bytes<P>();
  attach_adapters(registry_of<P>(model), {"q_proj", "v_proj", "fc1"}, 2, 4.0);
  return model;
}

// Thirteen records of two data sets, the first two the largest. The images of some cannot be decoded: with two ranks
// the second loses all that it has of the first step, with three it does so too.
inline const std::set<Index> broken{2, 3, 6, 7, 8, 9};
inline std::shared_ptr<const vlt::data::SampleSource> records() {
  auto s = std::make_shared<vlt::data::SampleSource>(
      vlt::data::SampleSource{{}, test::byte_builder({64, picture_tokens}), {}, floats});
  s->read_pixels = [](const std::string& name, std::span<float> to) {
    const Index record = std::stoi(name);
    if (broken.contains(record)) blame_data.raise(Complaint("IMAGE-019", "truncated"));
    for (std::size_t i = 0; i < to.size(); ++i) to[i] = float(std::sin(0.37 * double(i) + double(record)));
  };
  s->read_file = [](const std::string& name) { return "the file of " + name; };
  s->data.files.resize(2);
  for (Index i = 0; i < 13; ++i) {
    const std::size_t images = i < 2 ? 2 : i == 5 || i >= 11 ? 0 : 1;
    vlt::data::Record r = test::talk({{std::string(std::size_t(3 - i % 4), 'q'), i < 2 ? "a long answer" : "yes"}},
                                     std::vector<std::string>(images, std::to_string(i)));
    r.place.index = i, r.place.file = std::uint32_t(i % 2);
    s->data.records.push_back(std::move(r));
  }
  s->data.sizes.resize(13);
  s->measure();
  return s;
}
inline vlt::data::BatchPlan training_plan(const vlt::data::SampleSource& s, const vlt::data::BatchRules& rules) {
  return {{{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, 0, false}, s.data.sizes, rules};
}
inline vlt::data::BatchPlan evaluation_plan(const vlt::data::SampleSource& s, int ranks) {
  return {{{0, 4, 5, 10, 12}, 0, false}, s.data.sizes, {.sequences = 2, .ranks = ranks}};
}

// What a run does, and where it begins and ends.
struct Course {
  vlt::data::BatchRules rules;
  dist::ZeroSettings zero = {};
  int workers = 2;
  std::string checkpoints = {};  // where its state is saved; empty: nowhere
  Index from = 0;                // the step of the checkpoint that it goes on from; 0: it begins
  Index stop_in = 0;             // the step in which a signal comes; 0: none does
  Index loss_scale = 18;         // of fp16, at first: too high, so that steps are skipped
  std::shared_ptr<vlt::data::FeatureCache> features = {};
  TrainerListener* listener = nullptr;
};
struct Outcome {
  RunEnd end = RunEnd::finished;
  RunState state;
  std::vector<double> masters;
  store_shares::Saved sections;
  std::size_t planned = 0, used = 0, panels = 0;
};

template <class P, class M>
Plan planned(M& model, const layout_t<P>& layout, Threads& threads, const vlt::data::BatchPlan& plan,
             dist::ZeroSettings zero, bool keeps_features = false) {
  dist::Zero planner(layout, zero);
  const vlt::data::MicroBatchSize largest = plan.largest();
  typename M::pixels shape;
  shape.rows = largest.tiles, shape.cols = shape.stride = floats;
  Plan memory;
  const Batch batch = empty_batch(model, largest, keeps_features);
  add_step(memory, plan_training(model, threads, shape, batch, &planner),
           plan_evaluation(model, threads, shape, batch, &planner), plan_update(planner, threads),
           plan.rules().accumulation);
  return memory;
}
inline TrainerSettings settings_of(const vlt::data::BatchPlan& plan, std::size_t parameters) {
  TrainerSettings s;
  s.schedule = {ScheduleKind::cosine, plan.schedule_steps(), 1, 1e-3};
  s.peak_rates.assign(parameters, 0.02);
  s.component.assign(parameters, ComponentKind::projector);
  s.eval_step = 2, s.log_accuracy = true, s.dataset_names = {"even", "odd"};
  s.seconds = [n = 0.0]() mutable { return n += 1; };
  return s;
}

// One rank of a run.
template <class P, class M> Outcome train(dist::World& world, M model, Course course) {
  course.rules.ranks = world.size();
  const auto data = records();
  const vlt::data::BatchPlan plan = training_plan(*data, course.rules);
  const Placement placement = course.zero.placement(world);
  Threads threads(1);
  auto registry = registry_of<P>(model);
  choose_panels(registry, placement);
  const layout_t<P> layout(registry, placement, AdamW{.epsilon = 1e-3, .weight_decay = 0.1});
  const Plan memory = planned<P>(model, layout, threads, plan, course.zero, course.features != nullptr);
  store_t<P> store(registry, layout);
  store.fill([&](const auto& p, Index e) { return start(p, e) + (course.from > 0 && p.trains() ? 1 : 0); });
  Engine<P::precision, M, P::device> engine(model, store, threads, memory.of("step"),
                                            {.groups = 2, .count_correct = true, .zero = course.zero}, world);
  Outcome o;
  if (scales_loss(P::precision)) o.state.loss_scale = LossScale{.power = course.loss_scale};
  const auto checkpoint = [&](Index step) { return course.checkpoints + "/" + RunCheckpoint::name_of(step); };
  if (course.from > 0) {
    const RunCheckpoint from(checkpoint(course.from));
    o.state = from.state();
    from.load(store);
    engine.round_masters();
  }
  const vlt::data::LoaderSettings reading{.workers = course.workers,
                                          .held = course.rules.accumulation,
                                          .on_bad_sample = vlt::data::OnBadSample::skip,
                                          .first = o.state.micro_batch,
                                          .rank = world.rank(),
                                          .features = course.features};
  vlt::data::Loader loader(data, plan, reading);
  Trainer trainer(model, engine, loader, o.state, settings_of(plan, registry.params.size()), world);
  trainer.evaluate_by([&] {
    return evaluate(model, engine, {data, evaluation_plan(*data, world.size()), reading}, world,
                    [](const vlt::data::LostSample&) { FAIL("lost"); });
  });
  if (!course.checkpoints.empty())
    trainer.save_by([&] { save_checkpoint(checkpoint(o.state.step), store, o.state, {}, world); });
  if (course.listener) trainer.add(*course.listener);
  trainer.stop_if([&] { return course.stop_in == o.state.step && world.rank() == world.size() - 1; });
  o.end = trainer.run();
  for (StepMetrics& m : o.state.history.steps) m.memory = 0;  // of the process
  o.masters = store_shares::masters(store), o.sections = store_shares::save(store);
  o.planned = memory.of("step"), o.used = engine.peak(), o.panels = store.bytes().panels;
  return o;
}

}  // namespace byte_training
