#pragma once
#include <functional>
#include <vlt/data/loader.hpp>
#include <vlt/train/gather_lost.hpp>
#include <vlt/train/recall_features.hpp>

namespace vlt {

// What the evaluation set says about a model: a token mean over all its records, whoever read them.
struct EvaluationResult {
  double loss = 0, accuracy = 0;
  Index tokens = 0, supervised = 0, records = 0;
  std::vector<double> loss_by_group;
};

// What an evaluation adds up over micro-batches and ranks. Counts are doubles: they are exact, and one message does.
class EvaluationSums {
 public:
  explicit EvaluationSums(std::size_t groups) : groups_(groups), sums_(counts + 2 * groups, 0.0) {}

  // losses: by_group and correct hold sums over the batch.
  template <class Sums> void add(const data::MicroBatch& b, std::span<const Index> target_groups, const Sums& losses) {
    sums_[loss] += losses.total(), sums_[correct] += double(losses.correct);
    sums_[tokens] += double(b.tokens), sums_[supervised] += double(b.supervised);
    sums_[records] += double(b.samples.size());
    for (std::size_t g = 0; g < losses.by_group.size(); ++g) sums_[counts + g] += losses.by_group[g];
    for (const Index g : target_groups) ++sums_[counts + groups_ + std::size_t(g)];
  }
  // Collective.
  EvaluationResult result(dist::World& world) {
    world.all_reduce_sum(std::span(sums_));
    EvaluationResult r;
    r.tokens = Index(sums_[tokens]), r.supervised = Index(sums_[supervised]), r.records = Index(sums_[records]);
    r.loss_by_group.assign(groups_, 0);
    if (r.supervised == 0) return r;
    r.loss = sums_[loss] / double(r.supervised), r.accuracy = sums_[correct] / double(r.supervised);
    for (std::size_t g = 0; g < groups_; ++g)
      if (const double n = sums_[counts + groups_ + g]; n > 0) r.loss_by_group[g] = sums_[counts + g] / n;
    return r;
  }

 private:
  enum : std::size_t { loss, correct, tokens, supervised, records, counts };  // then loss and tokens of each group
  std::size_t groups_;
  std::vector<double> sums_;
};

// How an evaluation reads what a training reads by `s`: from the beginning, one micro-batch at a time.
inline data::LoaderSettings evaluation_loader(data::LoaderSettings s) {
  s.first = 0, s.held = 1;
  return s;
}

// What an evaluation reads.
struct EvaluationData {
  std::shared_ptr<const data::SampleSource> source;
  data::BatchPlan plan;         // of as many ranks as the world has
  data::LoaderSettings loader;  // how it is read; where it begins, whose part and how many at once follow
};

// Reads the records of a plan in its order and adds up token losses. Every rank runs as many micro-batches, some of
// them perhaps empty. Collective. lost: hears on every rank of the samples that any of them lost.
template <class Model, class Engine>
EvaluationResult evaluate(Model& model, Engine& engine, const EvaluationData& data, dist::World& world,
                          const std::function<void(const data::LostSample&)>& lost) {
  data::LoaderSettings settings = evaluation_loader(data.loader);
  settings.rank = world.rank();
  data::Loader loader(data.source, data.plan, settings);
  EvaluationSums sums(data.source->data.files.size());
  while (loader.more()) {
    world.does(dist::RankPhase::loading);
    data::MicroBatch& b = loader.next();
    std::array<Index, 2> everywhere{Index(b.samples.size()), Index(b.lost.size())};
    world.all_reduce_sum(std::span<Index>(everywhere));
    if (everywhere[1] > 0)
      for (const data::LostSample& l : gather_lost(world, b.lost)) lost(l);
    if (everywhere[0] == 0) continue;
    const Batch batch = pack(model, b, loader, world);
    sums.add(b, batch.targets.group, engine.evaluate(pixels_of<Model>(b, data.source->floats_per_image), batch));
    if (loader.features()) keep_features(*loader.features(), b);
  }
  return sums.result(world);
}

}  // namespace vlt
