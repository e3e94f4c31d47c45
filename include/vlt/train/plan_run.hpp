#pragma once
#include <vlt/data/loader.hpp>
#include <vlt/pretrained/model_description.hpp>
#include <vlt/pretrained/model_kinds.hpp>
#include <vlt/train/engine.hpp>
#include <vlt/train/plan.hpp>
#include <vlt/train/process_memory.hpp>

namespace vlt {

// What a plan needs to know of the data, in training and in evaluation.
struct WorkSize {
  data::MicroBatchSize training, evaluation;
  data::LoaderSettings training_loader, evaluation_loader;
  Index micro_batches_per_step = 1;
  std::size_t decoder_bytes = 0;  // of all workers together
  Index feature_floats = 0;       // of a tile, if the features of a frozen tower are kept
  std::size_t feature_bytes = 0;  // of all that are kept in memory
};

// The largest micro-batch that the options allow, for a plan without data. Where pictures differ they are taken to be
// the largest, the last one perhaps smaller: as many as begin before the sequence ends. Under a budget of tokens
// sequences may be short and many: their number does not bind, nor what one of them may hold.
inline data::MicroBatchSize limit_of(const ModelDescription& m, const data::BatchRules& rules,
                                     Index images_per_sample) {
  const image::PictureRules pictures = m.pictures();
  const auto fitting = [&](Index tokens) {
    const Index room = tokens - 1;  // besides a word
    return room < pictures.min_tokens() ? 0 : (room - pictures.min_tokens()) / pictures.max_tokens() + 1;
  };
  constexpr Index shortest = 2;  // a word, and one that is learnt
  data::MicroBatchSize n;
  if (rules.tokens > 0) {
    n.tokens = rules.tokens, n.sequences = n.tokens / shortest, n.images = fitting(n.tokens);
  } else {
    n.sequences = rules.sequences, n.tokens = n.sequences * m.max_seq_len;
    n.images = n.sequences * std::min(images_per_sample, fitting(m.max_seq_len));
  }
  n.tiles = n.images * pictures.max_tiles();
  n.longest = m.max_seq_len, n.supervised = n.tokens - n.images * pictures.min_tokens();
  return n;
}

// A micro-batch of given size and no content: a plan looks at shapes only.
// keeps_features: none are known yet.
template <class Model>
Batch empty_batch(const Model& model, const data::MicroBatchSize& n, bool keeps_features = false) {
  Segments images;
  images.append(n.tiles, TokenKind::image);
  Batch b = model.batch_of(std::move(images));
  if (keeps_features) model.know_features(b, std::vector<bool>(std::size_t(n.tiles)), nullptr, true);
  const Index rows = std::max(n.tokens, n.sequences);
  Index left = rows;
  for (Index i = 0; i < n.sequences; ++i) {
    const Index fair = left / (n.sequences - i), length = i == 0 ? std::min(std::max(n.longest, fair), left) : fair;
    b.text.append(length);
    left -= length;
  }
  b.id.assign(std::size_t(rows), 0), b.image_row.assign(std::size_t(rows), -1);
  b.targets.row.assign(std::size_t(n.supervised), 0), b.targets.id.assign(std::size_t(n.supervised), 0);
  b.targets.group.assign(std::size_t(n.supervised), 0);
  return b;
}

// All memory of a run on this rank and the work of its steps, from shapes alone.
template <IsPolicy P>
Plan plan_run(AnyVlm<P>& model, const layout_t<P>& layout, Threads& threads, const WorkSize& work,
              Index floats_per_image, bool trains, dist::ZeroSettings zero = {}) {
  Plan plan;
  const auto pass = [&](const data::MicroBatchSize& n, auto&& run) {
    const Batch b = empty_batch(model, n, work.feature_floats > 0);
    typename AnyVlm<P>::host_pixels x;
    x.rows = n.tiles, x.cols = x.stride = floats_per_image;
    return n.sequences > 0 ? run(x, b) : PassPlan{};
  };
  dist::Zero planner(layout, zero);
  add_parameters(plan, layout);
  const PassPlan training = pass(trains ? work.training : data::MicroBatchSize{},
                                 [&](auto x, const Batch& b) { return plan_training(model, threads, x, b, &planner); });
  const PassPlan evaluation =
      pass(work.evaluation, [&](auto x, const Batch& b) { return plan_evaluation(model, threads, x, b, &planner); });
  const PassPlan update = trains ? plan_update(planner, threads) : PassPlan{};
  add_step(plan, training, evaluation, update, int(work.micro_batches_per_step));
  const Index floats_per_tile = floats_per_image + work.feature_floats;
  plan.add("vision cache", "features", work.feature_bytes);
  if (trains && work.training.sequences > 0)
    plan.add("loader", "micro-batches",
             std::size_t(data::loader_bytes(work.training_loader, work.training, floats_per_tile)));
  if (work.evaluation.sequences > 0)
    plan.add("loader", "evaluation",
             std::size_t(data::loader_bytes(work.evaluation_loader, work.evaluation, floats_per_tile)));
  plan.add("loader", "image decoders", work.decoder_bytes);
  plan.add("program", "in use already", anonymous_memory());
  return plan;
}

}  // namespace vlt
