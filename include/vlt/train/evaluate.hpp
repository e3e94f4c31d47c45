#pragma once
#include <vlt/train/trainer.hpp>

namespace vlt {

// What the evaluation set says about a model: a token mean over all its records.
struct EvaluationResult {
  double loss = 0, accuracy = 0;
  Index tokens = 0, supervised = 0, records = 0;
  std::vector<double> loss_by_group;
};

// Reads the records of a plan in its order and adds up token losses.
template <Precision F>
EvaluationResult evaluate(AnyVlm<F>& model, Engine<F, AnyVlm<F>>& engine, std::shared_ptr<const SampleSource> source,
                          const BatchPlan& plan, LoaderSettings settings,
                          const std::function<void(const LostSample&)>& lost) {
  EvaluationResult result;
  settings.first = 0, settings.held = 1;
  Loader loader(source, plan, settings);
  double sum = 0;
  Index correct = 0;
  std::vector<Index> tokens(source->data.files.size(), 0);
  result.loss_by_group.assign(tokens.size(), 0);
  while (loader.more()) {
    MicroBatch& b = loader.next();
    for (const LostSample& l : b.lost) lost(l);
    if (b.samples.empty()) continue;
    const Batch batch = pack(model, b, source->builder);
    const LossSums sums = engine.evaluate(pixels_of<AnyVlm<F>>(b, source->floats_per_image), batch);
    sum += sums.total(), correct += sums.correct;
    for (std::size_t g = 0; g < sums.by_group.size(); ++g) result.loss_by_group[g] += sums.by_group[g];
    for (const int g : batch.targets.group) ++tokens[std::size_t(g)];
    result.tokens += b.tokens, result.supervised += b.supervised, result.records += Index(b.samples.size());
  }
  if (result.supervised == 0) return result;
  result.loss = sum / double(result.supervised), result.accuracy = double(correct) / double(result.supervised);
  for (std::size_t g = 0; g < tokens.size(); ++g)
    if (tokens[g] > 0) result.loss_by_group[g] /= double(tokens[g]);
  return result;
}

}  // namespace vlt
