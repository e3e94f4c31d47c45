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

// How a run is shared out. Frozen weights are packed wherever they can be.
struct Case {
  bool tied = false;
  dist::ZeroSettings zero;
  int micro_batches = 0;  // of all ranks together, in a step
};

// One rank of a run: of the micro-batches of a step it takes those with index = rank mod ranks.
template <class P> class RankRun {
 public:
  static constexpr Device D = P::device;
  using Model = decltype(build<P>(false));

  RankRun(dist::World& world, const Case& c)
      : world_(world),
        case_(c),
        model_(build<P>(c.tied)),
        store_(registry(), c.zero.placement(world), optimizer),
        zero_(store_, world, c.zero) {
    store_.fill([](const auto& p, Index e) { return start(p.name(), p.decay, e); });
    for (const auto& p : store_.registry().params)
      rates_.push_back(p.component == ComponentKind::projector ? 0.05 : 0.03);
  }

  // One optimiser step; returns the norm of its gradients.
  double step(int number) {
    const int total = case_.micro_batches, ranks = world_.size();
    double tokens = 0, norm = 0;
    for (int n = 0; n < total; ++n) tokens += supervised(number * total + n);
    for (int n = world_.rank(); n < total; n += ranks) micro_batch(number * total + n, tokens, n + ranks >= total);
    in_planned_memory(nullptr, [&](Scope& s) { norm = zero_.step(s, rates_, 0.05); });
    return norm;
  }
  // Runs pass(scope) twice: to learn how much memory it needs, and in that memory.
  template <class Pass> void in_planned_memory(UnitHooks* hooks, Pass&& pass) {
    Arena plan;
    Scope planned(plan, threads_, hooks);
    pass(planned);
    const auto memory = memory_of_nans(plan.peak() + (hooks ? zero_.lent().total() : 0));
    Arena arena(memory);
    Scope s(arena, threads_, hooks);
    pass(s);
    as_planned_ &= arena.peak() == memory.bytes() && s.total() == planned.total();
  }

  store_t<P>& store() { return store_; }
  dist::Zero<P::precision, D>& zero() { return zero_; }
  bool as_planned() const { return as_planned_; }  // every pass needed what its plan had found
  // This rank's share of the masters, zeros elsewhere.
  Parameters masters() {
    Parameters all;
    for (int i = 0; i < store_.units(); ++i)
      for (const Slot& slot : store_.unit(i).trained) {
        auto& u = store_.unit(i);
        auto& v = all[store_.registry().params[slot.param].name()];
        v.assign(std::size_t(slot.range.size()), 0);
        const Range mine = intersection(slot.range, u.share);
        for (Index e = mine.begin; e < mine.end; ++e) v[std::size_t(e - slot.range.begin)] = *u.master.at(e);
      }
    return all;
  }

 private:
  // a large epsilon: the scale of gradients matters
  static constexpr AdamW optimizer{.epsilon = 1e-3, .weight_decay = 0.1};

  dist::World& world_;
  Case case_;
  Model model_;
  Threads threads_{1};
  store_t<P> store_;
  dist::Zero<P::precision, D> zero_;
  std::vector<double> rates_;
  bool as_planned_ = true;

  registry_t<P> registry() {
    auto r = registry_of<P>(model_);
    choose_panels(r, case_.zero.placement(world_));
    return r;
  }
  // Forward and backward of micro-batch `n`, for a loss that is the mean over `tokens` supervised tokens.
  void micro_batch(int n, double tokens, bool last) {
    const auto text = samples(n);
    const Index images = std::count_if(text.begin(), text.end(),
                                       [](const Sample& s) { return std::count(s.id.begin(), s.id.end(), image) > 0; });
    using Real = typename P::stream;
    std::vector<Real> f(std::size_t(images * 2 * features));
    for (std::size_t i = 0; i < f.size(); ++i) f[i] = Real(std::sin(0.5 * double(i) + n));
    const auto x = borrow_host<typename Model::pixels>(f.data(), images * 2, features);
    const Batch b = model_.batch(equal_segments(images, 2), text, image);
    typename Model::saved k;
    LossAccumulator<under_test> loss;
    in_planned_memory(&zero_, [&](Scope& s) {
      zero_.begin(s, last);
      model_.forward_backward(s, x, b, 1 / tokens, k, loss);
    });
  }
};

struct Outcome {
  Parameters parameters;
  double norm = 0;
  std::size_t bytes = 0, lent = 0;
  bool as_planned = true;
};

template <class P> Outcome train(dist::World& world, const Case& c) {
  RankRun<P> run(world, c);
  Outcome o;
  for (int step = 0; step < steps; ++step) o.norm = run.step(step);
  o.parameters = run.masters(), o.bytes = run.store().bytes().total(), o.lent = run.zero().lent().total();
  o.as_planned = run.as_planned();
  return o;
}

template <class P> Outcome many(int ranks, bool tied, dist::ZeroSettings zero) {
  std::vector<Outcome> each(ranks);
  dist::ThreadGroup::run(ranks, [&](dist::World& world) {
    each[world.rank()] = train<P>(world, {tied, zero, ranks * micro_batches});
  });
  Outcome all = each[0];
  for (int r = 0; r < ranks; ++r) {
    for (auto& [name, v] : all.parameters)
      for (std::size_t i = 0; r > 0 && i < v.size(); ++i) v[i] += each[r].parameters[name][i];
    CHECK(each[r].norm == all.norm);
    CHECK(each[r].as_planned);
    CHECK(each[r].bytes == all.bytes);
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
  const Outcome one = train<P>(single, {tied, {}, ranks * micro_batches});
  CHECK(one.norm > 0.05);  // clipping was at work
  CHECK(moved(one.parameters) > 1e-3);
  for (const Reduce when : {Reduce::once, Reduce::every_micro_batch}) {
    std::vector<Outcome> stage;
    for (int n = 0; n < 4; ++n) stage.push_back(many<P>(ranks, tied, {n, when}));
    for (int n = 1; n < 4; ++n) {
      INFO("stage " << n << " against 0" << (when == Reduce::once ? "" : ", summed in every micro-batch"));
      CHECK(stage[n].parameters == stage[0].parameters);
      CHECK(stage[n].norm == stage[0].norm);
    }
    CHECK(stage[1].bytes < stage[0].bytes);
    CHECK((stage[2].bytes < stage[1].bytes) == (when == Reduce::every_micro_batch));
    CHECK(stage[3].bytes < stage[2].bytes);
    CHECK((stage[0].lent > 0) == (when == Reduce::every_micro_batch));
    CHECK(stage[3].lent > stage[2].lent);
    CHECK(distance(one.parameters, stage[0].parameters) < tolerance);
    CHECK(std::abs(one.norm - stage[0].norm) < tolerance);
  }
}

}  // namespace zero_training
