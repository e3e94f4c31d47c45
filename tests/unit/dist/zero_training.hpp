#pragma once
#include <unit/device.hpp>
#include <vlt/dist/thread_group.hpp>
#include <vlt/dist/zero.hpp>
#include <vlt/models/llama.hpp>
#include <vlt/models/projector.hpp>
#include <vlt/models/vlm.hpp>
#include <vlt/ops/double_precision.hpp>

#include <catch2/catch.hpp>
#include <cmath>
#include <map>

// Trains a small model on several ranks under every stage of ZeRO, on micro-batches of different lengths and numbers of
// images (some without), so that equal results mean equal collectives whatever the data.
namespace zero_training {
using namespace vlt;
using dist::Reduce;

constexpr int micro_batches = 3, steps = 3;
constexpr Index image = 10, features = 6;
using Parameters = std::map<std::string, std::vector<double>>;

template <class P> auto build(bool tied) {
  const LlamaSizes c{.vocabulary = 11,
                     .depth = 2,
                     .tied = tied,
                     .block = {.width = 8,
                               .heads = 4,
                               .kv_heads = 2,
                               .head_dim = 2,
                               .mlp = 7,
                               .norm_eps = 0.05,
                               .rope = Rope::plain(2, 100)}};
  using Language = LlamaDecoder<P, LlamaBlock<P, mask::Mmca>>;
  using T = typename P::trainable;
  Vlm<GivenFeatures<T>, BaselineProjector<T>, Language> m{{features}, baseline_projector<T>(features, 8), Language(c)};
  if constexpr (P::tuning == Tuning::adapted)
    attach_adapters(registry_of<P>(m), {"q_proj", "v_proj", "down_proj"}, 2, 3.0);
  return m;
}

inline std::vector<Sample> samples(int n) {
  if (n % 4 == 1) return {{{1, 2, Index(3 + n % 5), 4}, {-1, 2, Index(3 + n % 5), 4}}};
  if (n % 4 == 2) return {{{10, 4, Index(n % 9)}, {-1, -1, Index(n % 9)}}, {{10, 5, 6, 7, 8}, {-1, -1, 6, 7, 8}}};
  return {{{1, 10, 4, Index(n % 7)}, {-1, -1, 4, Index(n % 7)}}};
}
inline double supervised(int n) {
  double count = 0;
  for (const Sample& s : samples(n))
    for (std::size_t t = 1; t < s.label.size(); ++t) count += s.label[t] >= 0;
  return count;
}
inline double start(const std::string& name, bool decay, Index e) {
  return 0.4 * std::sin(1.3 * double(e) + double(name.size())) + (decay ? 0 : 0.7);
}
// The least moved parameter's largest change.
inline double moved(const Parameters& p) {
  double least = 1;
  for (const auto& [name, v] : p) {
    double most = 0;
    for (std::size_t e = 0; e < v.size(); ++e)
      most = std::max(
          most, std::min(std::abs(v[e] - start(name, true, Index(e))), std::abs(v[e] - start(name, false, Index(e)))));
    least = std::min(least, most);
  }
  return least;
}

struct Outcome {
  Parameters parameters;
  double norm = 0;
  std::size_t bytes = 0, lent = 0;
};

// Forward and backward of micro-batch `n`, for a loss that is the mean over `tokens` supervised tokens.
template <class P, class Model> void micro_batch(Model& model, UnitHooks& hooks, int n, double tokens) {
  const auto text = samples(n);
  const Index images = std::count_if(text.begin(), text.end(),
                                     [](const Sample& s) { return std::count(s.id.begin(), s.id.end(), image) > 0; });
  using Real = typename P::stream;
  std::vector<Real> f(std::size_t(images * 2 * features));
  for (std::size_t i = 0; i < f.size(); ++i) f[i] = Real(std::sin(0.5 * double(i) + n));
  const auto x = borrow_host<typename Model::pixels>(f.data(), images * 2, features);
  const Batch b = model.batch(equal_segments(images, 2), text, image);
  const Buffer<std::byte, under_test> memory(1 << 20);
  Arena arena(memory);
  Threads threads(1);
  Scope s(arena, threads, &hooks);
  typename Model::saved k;
  LossSums loss;
  model.forward_backward(s, x, b, 1 / tokens, k, loss);
}

// One rank's run: of `total` micro-batches per step it takes those with index = rank mod ranks. Reports its share of
// the parameters, zeros elsewhere.
template <class P> Outcome train(dist::World& world, bool tied, int stage, Reduce when, int total) {
  auto model = build<P>(tied);
  using Z = dist::Zero<P::precision>;
  ParameterStore<P::precision> store(registry_of<P>(model), Z::placement(stage, when, world));
  store.fill([](const auto& p, Index e) { return start(p.name(), p.decay, e); });
  Threads threads(1);
  Z zero(store, world, threads, stage, when);
  std::vector<double> rates;
  for (const auto& p : store.registry().params) rates.push_back(p.component == ComponentKind::projector ? 0.05 : 0.03);
  Outcome o;
  for (int step = 0; step < steps; ++step) {
    double tokens = 0;
    for (int n = 0; n < total; ++n) tokens += supervised(step * total + n);
    for (int n = world.rank(); n < total; n += world.size()) {
      zero.begin(n + world.size() >= total);
      micro_batch<P>(model, zero, step * total + n, tokens);
    }
    // a large epsilon: the scale of gradients matters
    o.norm = zero.step({.epsilon = 1e-3, .weight_decay = 0.1}, 0.05, rates);
  }
  for (int i = 0; i < store.units(); ++i)
    for (const Slot& slot : store.unit(i).trained) {
      auto& u = store.unit(i);
      auto& v = o.parameters[store.registry().params[slot.param].name()];
      v.assign(std::size_t(slot.range.size()), 0);
      const Range mine = intersection(slot.range, u.share);
      for (Index e = mine.begin; e < mine.end; ++e) v[e - slot.range.begin] = *u.master.at(e);
    }
  o.bytes = store.bytes().total(), o.lent = zero.lent_bytes();
  return o;
}

template <class P> Outcome many(int ranks, bool tied, int stage, Reduce when) {
  std::vector<Outcome> each(ranks);
  dist::ThreadGroup::run(ranks, [&](dist::World& world) {
    each[world.rank()] = train<P>(world, tied, stage, when, ranks * micro_batches);
  });
  Outcome all = each[0];
  for (int r = 1; r < ranks; ++r) {
    for (auto& [name, v] : all.parameters)
      for (std::size_t i = 0; i < v.size(); ++i) v[i] += each[r].parameters[name][i];
    CHECK(each[r].norm == all.norm);
  }
  return all;
}

inline double distance(const Parameters& a, const Parameters& b) {
  double worst = 0;
  for (const auto& [name, v] : a)
    for (std::size_t i = 0; i < v.size(); ++i) worst = std::max(worst, std::abs(v[i] - b.at(name)[i]));
  return worst;
}

// Stages 0 to 3 give the same bits for the same reduction schedule, and what one rank computes alone.
template <class P> void compare_stages(int ranks, bool tied, double tolerance) {
  dist::Single single;
  const Outcome one = train<P>(single, tied, 0, Reduce::once, ranks * micro_batches);
  std::vector<Outcome> once, every;
  for (int stage = 0; stage < 4; ++stage) once.push_back(many<P>(ranks, tied, stage, Reduce::once));
  for (int stage = 2; stage < 4; ++stage) every.push_back(many<P>(ranks, tied, stage, Reduce::every_micro_batch));
  for (int stage = 1; stage < 4; ++stage) {
    INFO("stage " << stage << " against 0");
    CHECK(once[stage].parameters == once[0].parameters);
    CHECK(once[stage].norm == once[0].norm);
    CHECK(once[stage].bytes <= once[stage - 1].bytes);
  }
  CHECK(every[0].parameters == every[1].parameters);
  CHECK(every[0].bytes < once[1].bytes);
  CHECK(every[1].bytes < every[0].bytes);
  CHECK(distance(one.parameters, once[0].parameters) < tolerance);
  CHECK(distance(one.parameters, every[0].parameters) < tolerance);
  CHECK(std::abs(one.norm - once[0].norm) < tolerance);
  CHECK(one.norm > 0.05);  // clipping was at work
  CHECK(moved(one.parameters) > 1e-3);
}

}  // namespace zero_training
