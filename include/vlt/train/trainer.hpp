#pragma once
#include <chrono>
#include <functional>
#include <vlt/data/loader.hpp>
#include <vlt/optim/parameter_groups.hpp>
#include <vlt/optim/schedule.hpp>
#include <vlt/pretrained/model_kinds.hpp>
#include <vlt/train/engine.hpp>
#include <vlt/train/metrics.hpp>
#include <vlt/train/process_memory.hpp>

namespace vlt {

struct TrainerSettings {
  BatchPlan plan;
  Schedule schedule;
  double max_grad_norm = 1;
  Index eval_step = 0;        // 0: no evaluation
  bool log_accuracy = false;  // next-token accuracy on supervised tokens
  std::vector<std::string> dataset_names;
  double peak_flops = 0;  // of the machine, for the model-FLOPs utilisation; 0: unknown
};

// What a trainer tells its owner, between steps.
struct TrainerEvents {
  std::function<void(const StepMetrics&, double seconds)> step;  // seconds since the first step began
  std::function<EvalMetrics(EvalMetrics)> evaluate;              // fills in what it finds; step and epoch are set
  std::function<void(Index epoch, Index step)> epoch_end;        // also at the end of the run
  std::function<void(const LostSample&)> lost;                   // a sample that could not be decoded
};

// Packs what a loader made into what a model reads.
template <class Model> Batch pack(const Model& model, const MicroBatch& b, const SampleBuilder& builder) {
  Segments images;
  images.append(b.tiles, TokenKind::image);
  std::vector<ImageLayout> layouts;
  for (const Size size : b.sizes) layouts.push_back(builder.rules().pictures.layout(size));
  return model.batch(std::move(images), b.samples, builder.image_id(), b.group, layouts);
}
template <class Model> typename Model::pixels pixels_of(MicroBatch& b, Index floats_per_image) {
  return borrow_host<typename Model::pixels>(b.pixels.data(), b.tiles, floats_per_image);
}

// The training loop and nothing else: which micro-batches make a step, at which rate, and what happens between steps.
template <Precision F> class Trainer {
 public:
  using Model = AnyVlm<F>;

  Trainer(Model& model, Engine<F, Model>& engine, Loader& loader, const SampleSource& source,
          std::vector<double> peak_rates, const std::vector<ComponentKind>& component, TrainerSettings settings,
          TrainerEvents events)
      : model_(model),
        engine_(engine),
        loader_(loader),
        source_(source),
        peak_(std::move(peak_rates)),
        component_(component),
        settings_(std::move(settings)),
        events_(std::move(events)),
        rates_(peak_.size()) {}

  void run() {
    const BatchPlan& plan = settings_.plan;
    started_ = clock::now();
    Index epochs_done = 0;
    for (Index step = 1; step <= plan.steps(); ++step) {
      const bool last = step == plan.steps();
      if (const auto metrics = one_step(step)) events_.step(*metrics, seconds_since(started_));
      if (settings_.eval_step > 0 && (last || step % settings_.eval_step == 0))
        events_.evaluate({step, plan.epochs(plan.position(step)), 0, std::nullopt});
      const Index done = plan.whole_epochs(plan.position(step));
      if (done > epochs_done) events_.epoch_end(done - 1, step);
      else if (last) events_.epoch_end(done, step);
      epochs_done = done;
    }
  }

 private:
  using clock = std::chrono::steady_clock;

  Model& model_;
  Engine<F, Model>& engine_;
  Loader& loader_;
  const SampleSource& source_;
  std::vector<double> peak_;  // one per parameter
  std::vector<ComponentKind> component_;
  TrainerSettings settings_;
  TrainerEvents events_;
  std::vector<double> rates_;
  std::vector<MicroBatch*> group_;
  clock::time_point started_;

  static double seconds_since(clock::time_point t) { return std::chrono::duration<double>(clock::now() - t).count(); }

  // Nothing, if no sample of the step could be decoded.
  std::optional<StepMetrics> one_step(Index step) {
    const auto began = clock::now();
    StepMetrics m;
    m.step = step, m.epoch = settings_.plan.epochs(settings_.plan.position(step));
    Index images = 0;
    group_.clear();
    for (Index i = settings_.plan.position(step - 1); i < settings_.plan.position(step); ++i) {
      MicroBatch& b = loader_.next();
      for (const LostSample& l : b.lost) events_.lost(l);
      if (b.samples.empty()) continue;
      group_.push_back(&b);
      m.tokens += b.tokens, m.supervised_tokens += b.supervised, images += b.images;
    }
    if (group_.empty()) return std::nullopt;
    engine_.begin_step(m.supervised_tokens);
    for (MicroBatch* b : group_) {
      const Batch batch = pack(model_, *b, source_.builder);
      engine_.micro_batch(pixels_of<Model>(*b, source_.floats_per_image), batch, b == group_.back());
    }
    const double factor = settings_.schedule.factor(step - 1);
    for (std::size_t i = 0; i < peak_.size(); ++i) rates_[i] = factor * peak_[i];
    const StepResult& r = engine_.finish_step(rates_, settings_.max_grad_norm);
    if (!r.finite) refuse(r, step);
    m.loss = r.loss, m.grad_norm = r.grad_norm;
    report(m, r, images, seconds_since(began));
    return m;
  }

  void report(StepMetrics& m, const StepResult& r, Index images, double seconds) const {
    for (std::size_t i = 0; i < rates_.size(); ++i) {
      if (peak_[i] < 0) continue;  // does not train
      auto& rate = component_[i] == ComponentKind::projector ? m.lr
                   : component_[i] == ComponentKind::vision  ? m.lr_vision
                                                             : m.lr_language;
      rate = std::max(rate.value_or(0), rates_[i]);
    }
    m.tokens_per_s = double(m.tokens) / seconds, m.images_per_s = double(images) / seconds;
    if (settings_.peak_flops > 0) m.mfu = engine_.step_cost().flops / seconds / settings_.peak_flops;
    m.memory = Index(reported_kib("/proc/self/status", "VmRSS:"));
    if (settings_.log_accuracy) m.token_accuracy = double(r.correct) / double(r.supervised);
    for (std::size_t g = 0; g < r.group_loss.size(); ++g)
      if (r.group_supervised[g] > 0) m.loss_by_dataset.emplace_back(settings_.dataset_names[g], r.group_loss[g]);
  }

  [[noreturn]] void refuse(const StepResult& r, Index step) const {
    std::string ids;
    for (const MicroBatch* b : group_)
      for (const Index record : b->record)
        ids += (ids.empty() ? "" : ", ") + quoted(source_.data.records[record].id, 40);
    throw Error(ExitCode::numeric,
                Complaint("NUM-STEP-001", "loss or gradient is not finite")
                    .at("step " + std::to_string(step))
                    .expected("finite numbers")
                    .found("loss " + std::to_string(r.loss) + ", gradient norm " + std::to_string(r.grad_norm))
                    .help("look at the records " + ids + "; lower --learning_rate, or warm up with --num_warmup_steps")
                    .note("no weight was changed in this step; the model of the last finished epoch is kept"));
  }
};

}  // namespace vlt
