#pragma once
#include <unit/device.hpp>
#include <vlt/models/clip_vit.hpp>
#include <vlt/models/llama.hpp>
#include <vlt/models/projector.hpp>
#include <vlt/nn/checkpoint.hpp>
#include <vlt/ops/double_precision.hpp>
#include <vlt/train/engine.hpp>
#include <vlt/train/plan.hpp>

#include <catch2/catch.hpp>
#include <cmath>
#include <functional>

// A whole model small enough to train many times, and conversations for it.
namespace small_vlm {
using namespace vlt;

constexpr Index image_id = 22, patch = 4, picture = 8;

inline BlockSizes block(Index width, bool vision) {
  BlockSizes b{
      .width = width, .heads = 2, .kv_heads = vision ? 2 : 1, .head_dim = width / 2, .mlp = width + 5, .rope = {}};
  b.norm_eps = 0.01, b.qkv_bias = b.output_bias = b.mlp_bias = vision;
  if (!vision) b.rope = Rope::plain(width / 2, 100);
  return b;
}

template <class P, class VisionBlock = ClipBlock<P>, class TextBlock = LlamaBlock<P, mask::Mmca>>
using Model = Vlm<ClipVit<P, VisionBlock>, BaselineProjector<typename P::trainable>, LlamaDecoder<P, TextBlock>>;

template <class M = Model<Policy<under_test, Precision::f64>>> M build(Index depth = 2, bool tied = false) {
  const ClipSizes clip{.image = picture, .patch = patch, .depth = depth, .block = block(8, true)};
  const LlamaSizes llama{.vocabulary = 23, .depth = depth, .tied = tied, .block = block(12, false)};
  using Vision = decltype(M::vision);
  using Language = decltype(M::language);
  using Projector = decltype(M::projector);
  auto make_projector = []<class Q>(std::type_identity<BaselineProjector<Q>>) { return baseline_projector<Q>(8, 12); };
  return {Vision(clip), make_projector(std::type_identity<Projector>{}), Language(llama)};
}

template <Precision F> double start(const ParamRef<F, under_test>& p, Index e) {
  return 0.4 * std::sin(1.3 * double(e) + double(p.name().size())) + (p.one_dimensional() ? 0.7 : 0);
}

// Five conversations of two data sets: an image each but for the last but one, which has none, and the last: two.
inline std::vector<Sample> conversations() {
  return {{{1, 22, 4, 5, 2, 6, 7}, {-1, -1, -1, 5, -1, 6, 7}},
          {{22, 9, 10, 11}, {-1, 9, 10, 11}},
          {{3, 12, 22, 13, 14, 15, 16, 17, 18}, {-1, -1, -1, 13, 14, -1, -1, 17, 18}},
          {{2, 3, 8, 4}, {-1, 3, 8, -1}},
          {{22, 5, 22, 19, 20}, {-1, -1, -1, 19, 20}}};
}
inline const std::vector<int> groups{0, 1, 1, 0, 1};

inline Index supervised(const Sample& s) {
  return std::count_if(s.label.begin() + 1, s.label.end(), [](Index l) { return l >= 0; });
}

// Some of the conversations as one micro-batch, with the pictures that belong to them.
template <class M> struct Work {
  using Real = typename M::pixels::value_type;
  Batch batch;
  std::vector<Real> pixels;
  typename M::host_pixels view() {
    const Index each = 3 * picture * picture;
    return borrow_host<typename M::pixels>(pixels.data(), Index(pixels.size()) / each, each);
  }
};
template <class M> Work<M> work_of(const M& model, const std::vector<int>& which) {
  const auto all = conversations();
  std::vector<Sample> samples;
  std::vector<int> group;
  Work<M> w;
  for (int i : which) {
    samples.push_back(all[i]), group.push_back(groups[i]);
    const Index images = std::count(all[i].id.begin(), all[i].id.end(), image_id);
    for (Index e = 0; e < images * 3 * picture * picture; ++e)
      w.pixels.push_back(typename Work<M>::Real(std::sin(0.37 * double(e) + i)));
  }
  const Index images = Index(w.pixels.size()) / (3 * picture * picture);
  w.batch = model.batch(equal_segments(images, 1), samples, image_id, group);
  return w;
}

// A model with its store and engine, ready to train.
template <class P, class M = Model<P>> struct Bench {
  static constexpr Precision F = P::precision;
  M model;
  Threads threads;
  dist::Single world;
  std::unique_ptr<store_t<P>> store;
  std::unique_ptr<Engine<F, M, P::device>> engine;
  std::vector<double> rates;

  explicit Bench(M m, int thread_count = 1, const std::function<void(M&)>& choose = {}, dist::ZeroSettings zero = {},
                 AnyOptimizer<F, P::device> optimizer = AdamW{.epsilon = 1e-3})
      : model(std::move(m)), threads(thread_count) {
    if (choose) choose(model);
    store = std::make_unique<store_t<P>>(registry_of<P>(model), zero.placement(world), std::move(optimizer));
    store->fill([](const auto& p, Index e) { return start<F>(p, e); });
    auto all = work_of(model, {0, 1, 2, 3, 4});
    dist::Zero planner(store->layout(), zero);
    const PassPlan plan = plan_training(model, threads, all.view(), all.batch, &planner);
    const EngineSettings settings{.groups = 2, .count_correct = true, .zero = zero};
    engine = std::make_unique<Engine<F, M, P::device>>(model, *store, threads, plan.bytes(), settings, world);
    rates.assign(store->registry().params.size(), 0.01);
  }
  // One optimiser step over micro-batches of conversations.
  const StepResult& step(const std::vector<std::vector<int>>& micro_batches, double max_norm = 1) {
    Index tokens = 0;
    for (const auto& m : micro_batches)
      for (int i : m) tokens += supervised(conversations()[i]);
    engine->begin_step(tokens);
    for (const auto& m : micro_batches) {
      auto w = work_of(model, m);
      engine->micro_batch(w.view(), w.batch, &m == &micro_batches.back());
    }
    return engine->finish_step(rates, max_norm);
  }
  std::vector<double> masters() const {
    std::vector<double> all;
    for (int u = 0; u < store->units(); ++u) append_values(all, store->unit(u).master.row(store->unit(u).all));
    return all;
  }
};

inline double distance(const std::vector<double>& a, const std::vector<double>& b) {
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
  return worst;
}

}  // namespace small_vlm
