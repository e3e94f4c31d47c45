#pragma once
#include <catch2/catch.hpp>
#include <numeric>
#include <unit/data/byte_samples.hpp>
#include <unit/device.hpp>
#include <vlt/dist/thread_group.hpp>
#include <vlt/train/trainer.hpp>

// A trainer on an engine that computes nothing: it writes down what it is asked, and answers as its script says.
namespace scripted {
using namespace vlt;

struct Model {
  using host_pixels = Matrix<float, under_test>;
  Batch batch(Segments, const std::vector<Sample>& samples, Index, std::span<const int> group,
              std::span<const ImageLayout>) const {
    Batch b;
    for (std::size_t i = 0; i < samples.size(); ++i) {
      b.text.append(Index(samples[i].id.size()));
      for (std::size_t t = 1; t < samples[i].label.size(); ++t)
        if (samples[i].label[t] >= 0) b.targets.id.push_back(samples[i].label[t]), b.targets.group.push_back(group[i]);
    }
    return b;
  }
  void know_features(Batch&, const std::vector<bool>&, float*, bool) const {}
};

// The loss of a token is its id, so that sums are exact in any order; ids that are even count as hit.
struct Losses {
  std::vector<double> by_group = std::vector<double>(2, 0.0);
  Index correct = 0;
  double total() const { return by_group[0] + by_group[1]; }
};

class Engine {
 public:
  struct Micro {
    Index sequences, targets, images;
    bool last;
    bool operator==(const Micro&) const = default;
  };
  explicit Engine(dist::World& world) : world_(world) {}

  std::vector<Index> begun;  // supervised tokens of this rank in each step
  std::vector<std::vector<Micro>> steps;
  std::vector<std::vector<double>> rates;
  std::vector<double> max_norms, loss_scales;
  Index updates = 0;
  std::function<void(StepResult&)> script = [](StepResult&) {};  // changes a step's result

  void set_updates(Index made) { updates = made; }
  void begin_step(Index supervised, double loss_scale) {
    world_.barrier();
    begun.push_back(supervised), loss_scales.push_back(loss_scale), steps.emplace_back();
  }
  void micro_batch(Model::host_pixels x, const Batch& b, bool last) {
    world_.barrier();
    steps.back().push_back({b.text.sequences(), Index(b.targets.id.size()), x.rows, last});
    add(b);
  }
  const StepResult& finish_step(std::span<const double> r, double max_norm) {
    rates.emplace_back(r.begin(), r.end()), max_norms.push_back(max_norm);
    std::vector<double> sums{sums_.by_group[0], sums_.by_group[1], tokens_[0], tokens_[1], double(sums_.correct)};
    world_.all_reduce_sum(std::span(sums));
    const double tokens = sums[2] + sums[3];
    result_ = {(sums[0] + sums[1]) / tokens, 0.25, true, Index(tokens), Index(sums[4]), {}, {}};
    for (std::size_t g = 0; g < 2; ++g) {
      result_.group_supervised.push_back(Index(sums[2 + g]));
      result_.group_loss.push_back(sums[2 + g] > 0 ? sums[g] / sums[2 + g] : 0);
    }
    sums_ = {}, tokens_ = {};
    script(result_);
    updates += result_.finite;
    return result_;
  }
  Losses evaluate(Model::host_pixels, const Batch& b) {
    world_.barrier();
    ++evaluated;
    add(b);
    tokens_ = {};
    return std::exchange(sums_, {});
  }
  Cost step_cost() const { return {1e9, 0}; }
  Index evaluated = 0;  // batches

 private:
  dist::World& world_;
  StepResult result_;
  Losses sums_;
  std::array<double, 2> tokens_{};

  void add(const Batch& b) {
    for (std::size_t t = 0; t < b.targets.id.size(); ++t) {
      sums_.by_group[std::size_t(b.targets.group[t])] += double(b.targets.id[t]);
      ++tokens_[std::size_t(b.targets.group[t])], sums_.correct += b.targets.id[t] % 2 == 0;
    }
  }
};

// Records 0, 1, 2, ... with the answers "x", "xx", ..., an image each, in turn of two data sets. Those whose image is
// named in `broken` are lost.
inline std::shared_ptr<data::SampleSource> source(Index records, std::set<Index> broken = {}) {
  auto s = std::make_shared<data::SampleSource>(data::SampleSource{{}, test::byte_builder({64, 1}), {}, 3});
  s->read_pixels = [broken](const std::string& name, std::span<float>) {
    if (broken.contains(std::stoi(name))) blame_data.raise(Complaint("IMAGE-019", "truncated"));
  };
  s->data.files.resize(2);
  for (Index i = 0; i < records; ++i) {
    data::Record r = test::talk({{"q", std::string(std::size_t(i) + 1, 'x')}}, {std::to_string(i)});
    r.id = "id " + std::to_string(i), r.place.index = i, r.place.file = std::uint32_t(i % 2);
    s->data.records.push_back(std::move(r));
  }
  s->data.sizes.resize(std::size_t(records));
  s->measure();
  return s;
}
// Supervised tokens of records: their answers and the ends of their turns.
inline Index supervised(std::initializer_list<Index> records) {
  return std::accumulate(records.begin(), records.end(), 2 * Index(records.size()));
}

inline data::BatchPlan plan_of(const data::SampleSource& s, const data::BatchRules& rules, bool shuffled = false) {
  std::vector<Index> all(s.data.records.size());
  std::iota(all.begin(), all.end(), Index(0));
  return {{all, 4, shuffled}, s.data.sizes, rules};
}
inline data::LoaderSettings loader_of(const data::BatchRules& rules, int rank, Index first = 0) {
  data::LoaderSettings s;
  s.workers = 2, s.held = rules.accumulation, s.on_bad_sample = data::OnBadSample::skip, s.first = first, s.rank = rank;
  return s;
}
// Two parameters of the projector, one of the tower, one of the decoder that does not train.
inline TrainerSettings settings_of(const data::BatchPlan& plan) {
  TrainerSettings s;
  s.schedule = {ScheduleKind::linear, plan.schedule_steps(), 2, 1e-3};
  s.peak_rates = {0.5, 0.25, 0.125, -1};
  s.component = {ComponentKind::projector, ComponentKind::projector, ComponentKind::vision, ComponentKind::language};
  s.dataset_names = {"even", "odd"};
  return s;
}

// Writes down what it hears.
struct Recorder final : TrainerListener {
  std::vector<StepMetrics> steps;
  std::vector<Pace> paces;
  std::vector<EvalMetrics> evaluations;
  std::vector<std::string> lines;  // in order: "step 1", "eval 2", "epoch 0", "lost 7", "saved 9"

  void step_done(const StepMetrics& m, const Pace& p) override {
    steps.push_back(m), paces.push_back(p), lines.push_back("step " + std::to_string(m.step));
  }
  void evaluated(const EvalMetrics& m) override {
    evaluations.push_back(m), lines.push_back("eval " + std::to_string(m.step));
  }
  void epoch_done(Index epoch) override { lines.push_back("epoch " + std::to_string(epoch)); }
  void sample_lost(const data::LostSample& l) override { lines.push_back("lost " + std::to_string(l.record)); }
};

// A run of one rank, or one rank of a run.
struct Run {
  std::shared_ptr<data::SampleSource> data;
  data::BatchPlan plan;
  Model model;
  Engine engine;
  data::Loader loader;
  Recorder heard;
  RunState& state;
  bool hears_saves = false;
  Index stop_in = 0;  // the step in which it is asked to stop; 0: it is not
  std::function<double(Index step)> eval_loss = [](Index step) { return 0.5 + double(step); };
  RunEnd end = RunEnd::finished;
  std::vector<Index> owed;  // whenever it was saved: steps that an evaluation or the end of an epoch is owed

  Run(dist::World& world, std::shared_ptr<data::SampleSource> s, data::BatchRules rules, RunState& st)
      : data(std::move(s)),
        plan(plan_of(*data, rules)),
        engine(world),
        loader(data, plan, loader_of(rules, world.rank(), st.micro_batch)),
        state(st),
        world_(world) {}

  Run& operator()(const std::function<void(TrainerSettings&)>& change = [](TrainerSettings&) {}) {
    TrainerSettings settings = settings_of(plan);
    change(settings);
    Trainer trainer(model, engine, loader, state, settings, world_);
    trainer.add(heard);
    trainer.evaluate_by([this] { return EvaluationResult{eval_loss(state.step), 0.75, 10, 5, 1, {}}; });
    trainer.save_by([this] {
      if (hears_saves) heard.lines.push_back("saved " + std::to_string(state.step));
      owed.push_back(state.step - state.concluded);
    });
    trainer.stop_if([this] { return state.step == stop_in; });
    end = trainer.run();
    return *this;
  }

 private:
  dist::World& world_;
};

}  // namespace scripted
