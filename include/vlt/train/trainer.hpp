#pragma once
#include <chrono>
#include <functional>
#include <vlt/nn/component_kind.hpp>
#include <vlt/optim/schedule.hpp>
#include <vlt/train/engine.hpp>
#include <vlt/train/evaluate.hpp>
#include <vlt/train/process_memory.hpp>
#include <vlt/train/run_state.hpp>
#include <vlt/train/trainer_listener.hpp>

namespace vlt {

// Seconds on a clock that never goes back.
inline double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// What a trainer needs to know besides what it works with.
struct TrainerSettings {
  Schedule schedule;
  std::vector<double> peak_rates;        // one for each parameter; negative: it does not train
  std::vector<ComponentKind> component;  // of each parameter
  double max_grad_norm = 1;
  Index eval_step = 0;        // 0: no evaluation
  Index early_stop = 0;       // so many evaluations without a better loss end the run; 0: none does
  Index save_step = 0;        // the state is saved after so many steps, too; 0: at the ends of epochs only
  bool log_accuracy = false;  // next-token accuracy on supervised tokens
  std::vector<std::string> dataset_names;
  double peak_flops = 0;  // of a rank's machine, for the model-FLOPs utilisation; 0: unknown
  std::function<double()> seconds = steady_seconds;
};

// How a trainer's work ended.
enum class RunEnd : std::uint8_t { finished, stopped };

// The training loop and nothing else: which micro-batches make a step, at which rate, and what happens between steps.
// Every rank has one, and they keep step: a rank whose samples of a step were all lost takes part with none, and a step
// for which no rank has any is skipped by all; so is one whose gradients are not finite, as long as the loss scale of
// the state can fall. It goes on from wherever `state` stands, and advances it.
template <class Model, class Engine> class Trainer {
 public:
  // loader: of this rank, at the state's data position; it holds the micro-batches of a step.
  Trainer(Model& model, Engine& engine, data::Loader& loader, RunState& state, TrainerSettings settings,
          dist::World& world)
      : model_(model),
        engine_(engine),
        loader_(loader),
        state_(state),
        settings_(std::move(settings)),
        world_(world),
        rates_(settings_.peak_rates.size()) {
    require(loader.position() == state.micro_batch, "a trainer's loader begins where its run stands");
    require(loader.plan().rules().ranks == world.size(), "a batch plan is made for as many ranks as there are");
    engine.set_updates(state.updates);
  }

  void add(TrainerListener& listener) { listeners_.push_back(&listener); }
  void evaluate_by(std::function<EvaluationResult()> evaluation) { evaluation_ = std::move(evaluation); }
  // Saves the state and everything that belongs to it. Called on every rank, between steps.
  void save_by(std::function<void()> save) { save_ = std::move(save); }
  // Asked on every rank after each of its steps: shall the run end here, to be taken up again?
  void stop_if(std::function<bool()> asked) { stop_ = std::move(asked); }

  // Goes on to the end of the plan, or until some rank is asked to stop: the state is then saved after the step that is
  // in hand. What follows that step, an evaluation say, is the first thing that the run owes when it is taken up again.
  RunEnd run() {
    began_ = settings_.seconds(), first_ = state_.step;
    for (;;) {
      if (state_.concluded < state_.step) conclude();
      if (over()) return RunEnd::finished;
      step();
      if (!asked_to_stop()) continue;
      save_();
      return RunEnd::stopped;
    }
  }

 private:
  // The micro-batches of a step: this rank's parts of them, and counts over all ranks.
  struct StepData {
    std::vector<data::MicroBatch*> parts;  // without those that are empty on every rank
    Index supervised = 0;                  // on this rank
    Index all_tokens = 0, all_supervised = 0, all_images = 0;
    Index budget = 0;  // of tokens, over all ranks; 0: none
  };

  Model& model_;
  Engine& engine_;
  data::Loader& loader_;
  RunState& state_;
  TrainerSettings settings_;
  dist::World& world_;
  std::function<EvaluationResult()> evaluation_;
  std::function<void()> save_ = [] {};
  std::function<bool()> stop_ = [] { return false; };
  std::vector<TrainerListener*> listeners_;
  std::vector<double> rates_;
  double began_ = 0;
  Index first_ = 0;             // the step after which this process began
  std::uint64_t received_ = 0;  // from other ranks, before the step in hand

  template <class Call> void tell(Call&& call) {
    for (TrainerListener* l : listeners_) call(*l);
  }

  bool asked_to_stop() {
    Index ranks = stop_() ? 1 : 0;
    world_.all_reduce_sum(std::span(&ranks, 1));
    return ranks > 0;
  }

  // Is there no further step? Every rank has the same history, and so the same answer.
  bool over() const {
    return state_.step >= loader_.plan().steps() ||
           (settings_.early_stop > 0 && evaluations_since_best(state_.history) >= settings_.early_stop);
  }

  // What follows a step: evaluation, the end of an epoch, saving.
  void conclude() {
    const data::BatchPlan& plan = loader_.plan();
    if (settings_.eval_step > 0 && (state_.step == plan.steps() || state_.step % settings_.eval_step == 0)) evaluate();
    const bool last = over();
    const Index epochs = plan.whole_epochs(plan.position(state_.step - 1)),
                done = plan.whole_epochs(state_.micro_batch);
    const bool ends = done > epochs || last;
    if (ends) tell([&](auto& l) { l.epoch_done(done > epochs ? done - 1 : done); });
    state_.concluded = state_.step;
    if (ends || (settings_.save_step > 0 && state_.step % settings_.save_step == 0)) save_();
  }

  void step() {
    const double began = settings_.seconds();
    received_ = world_.received();
    world_.enters(state_.step + 1);
    const StepData data = read();
    ++state_.step;
    if (data.all_supervised == 0) return;
    engine_.begin_step(data.supervised, state_.loss_scale ? state_.loss_scale->factor() : 1);
    for (data::MicroBatch* b : data.parts) {
      const Batch batch = pack(model_, *b, loader_, world_);
      engine_.micro_batch(pixels_of<Model>(*b, loader_.source().floats_per_image), batch, b == data.parts.back());
      if (loader_.features()) keep_features(*loader_.features(), *b);
    }
    const double factor = settings_.schedule.factor(state_.updates);
    for (std::size_t i = 0; i < rates_.size(); ++i) rates_[i] = factor * settings_.peak_rates[i];
    const StepResult& r = engine_.finish_step(rates_, settings_.max_grad_norm);
    if (!r.finite && !(state_.loss_scale && state_.loss_scale->can_fall())) refuse(r, data);
    ++(r.finite ? state_.updates : state_.overflows);
    const double now = settings_.seconds();
    state_.history.steps.push_back(metrics_of(r, data, now - began));
    if (state_.loss_scale) state_.loss_scale->step_done(r.finite);
    tell([&](auto& l) { l.step_done(state_.history.steps.back(), {now - began_, state_.step - first_}); });
  }

  // Reads a step's micro-batches and lets every rank know what all of them have and have lost.
  StepData read() {
    enum : std::size_t { tokens, images, lost, counts };  // then the supervised tokens of each micro-batch
    const data::BatchPlan& plan = loader_.plan();
    const Index end = std::min(plan.micro_batches(), state_.micro_batch + plan.rules().accumulation);
    StepData data;
    data.budget = (end - state_.micro_batch) * plan.rules().tokens * plan.rules().ranks;
    std::vector<data::MicroBatch*> parts;
    std::vector<Index> sums(counts, 0);
    std::vector<data::LostSample> mine;
    world_.does(dist::RankPhase::loading);
    for (; state_.micro_batch < end; ++state_.micro_batch) {
      data::MicroBatch& b = loader_.next();
      parts.push_back(&b);
      sums[tokens] += b.tokens, sums[images] += b.images, sums[lost] += Index(b.lost.size());
      sums.push_back(b.supervised), data.supervised += b.supervised;
      mine.insert(mine.end(), b.lost.begin(), b.lost.end());
    }
    world_.all_reduce_sum(std::span(sums));
    data.all_tokens = sums[tokens], data.all_images = sums[images];
    for (std::size_t i = 0; i < parts.size(); ++i) {
      data.all_supervised += sums[counts + i];
      if (sums[counts + i] > 0) data.parts.push_back(parts[i]);
    }
    if (sums[lost] > 0)
      for (const data::LostSample& l : gather_lost(world_, mine))
        tell([&](auto& listener) { listener.sample_lost(l); });
    return data;
  }

  StepMetrics metrics_of(const StepResult& r, const StepData& data, double seconds) {
    StepMetrics m;
    m.step = state_.step, m.epoch = loader_.plan().epochs(state_.micro_batch);
    m.loss = r.loss, m.grad_norm = r.grad_norm;
    if (state_.loss_scale) m.loss_scale = state_.loss_scale->factor(), m.skipped = state_.overflows;
    for (std::size_t i = 0; r.finite && i < rates_.size(); ++i) {
      if (settings_.peak_rates[i] < 0) continue;
      const ComponentKind c = settings_.component[i];
      auto& rate = c == ComponentKind::projector ? m.lr : c == ComponentKind::vision ? m.lr_vision : m.lr_language;
      rate = std::max(rate.value_or(0), rates_[i]);
    }
    m.tokens = data.all_tokens, m.supervised_tokens = data.all_supervised;
    m.tokens_per_s = double(m.tokens) / seconds, m.images_per_s = double(data.all_images) / seconds;
    double flops = engine_.step_cost().flops;
    world_.all_reduce_sum(std::span(&flops, 1));
    if (settings_.peak_flops > 0) m.mfu = flops / seconds / (settings_.peak_flops * world_.size());
    m.received = Index(world_.received() - received_);
    m.memory = Index(reported_kib("/proc/self/status", "VmRSS:"));
    if (data.budget > 0) m.filled = double(data.all_tokens) / double(data.budget);
    if (settings_.log_accuracy) m.token_accuracy = double(r.correct) / double(r.supervised);
    for (std::size_t g = 0; g < r.group_loss.size(); ++g)
      if (r.group_supervised[g] > 0) m.loss_by_dataset.emplace_back(settings_.dataset_names[g], r.group_loss[g]);
    return m;
  }

  void evaluate() {
    const EvaluationResult r = evaluation_();
    EvalMetrics m{state_.step, loader_.plan().epochs(state_.micro_batch), r.loss, std::nullopt};
    if (settings_.log_accuracy) m.token_accuracy = r.accuracy;
    state_.history.evaluations.push_back(m);
    tell([&](auto& l) { l.evaluated(m); });
  }

  // Collective: every rank names the records of all.
  [[noreturn]] void refuse(const StepResult& r, const StepData& data) {
    const data::Dataset& all = loader_.source().data;
    std::string mine, ids;
    for (const data::MicroBatch* b : data.parts)
      for (const Index sample : b->record)
        for (const Index record : all.members(sample))
          mine += (mine.empty() ? "" : ", ") + quoted(all.records[std::size_t(record)].id, 40);
    for (const std::string& theirs : dist::gather_texts(world_, mine))
      if (!theirs.empty()) ids += (ids.empty() ? "" : ", ") + theirs;
    throw Error(ExitCode::numeric,
                Complaint("NUM-STEP-001", "loss or gradient is not finite")
                    .at("step " + std::to_string(state_.step))
                    .expected("finite numbers")
                    .found("loss " + std::to_string(r.loss) + ", gradient norm " + std::to_string(r.grad_norm))
                    .help("look at the records " + ids + "; " +
                          (state_.loss_scale ? "the range of fp16 does not hold this model: use --precision bf16"
                           : state_.updates == 0
                               ? "no weight has changed yet, so weights of the models may be damaged or too large"
                               : "lower --learning_rate, or warm up with --num_warmup_steps"))
                    .note("no weight was changed in this step; the model of the last finished epoch is kept"));
  }
};

}  // namespace vlt
