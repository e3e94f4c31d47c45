#include <vlt/dist/thread_group.hpp>
#include "small_vlm.hpp"
#include "store_shares.hpp"

// Engines as ranks of one run: what trains, what is shared out and when gradients are summed may differ, the result may
// not.
using namespace small_vlm;
using dist::Reduce;

namespace {

// Micro-batches of each rank in each step, as conversations. They are dealt unevenly: some are empty, and in the second
// step rank 1 has nothing at all.
using Step = std::vector<std::vector<std::vector<int>>>;  // [rank][micro-batch][conversation]
std::vector<Step> steps_of(int ranks) {
  if (ranks == 1) return {{{{0, 1}, {2}, {3}, {4}}}, {{{0, 1}, {2, 3}}}, {{{4}, {1}, {2}}}};
  std::vector<Step> steps{{{{0, 1}, {2}}, {{3}, {4}}}, {{{0, 1}, {2, 3}}, {{}, {}}}, {{{4}, {}}, {{1}, {2}}}};
  for (Step& s : steps)
    if (ranks == 3) s.push_back({{}, {}});
  if (ranks == 3) std::swap(steps[2][1][1], steps[2][2][0]);
  return steps;
}

// One rank of a run, planned as the programs plan.
template <class P, class M> class RankEngine {
 public:
  static constexpr Device D = P::device;

  RankEngine(dist::World& world, M model, dist::ZeroSettings zero) : rank_(world.rank()), model_(std::move(model)) {
    auto registry = registry_of<P>(model_);
    const Placement placement = zero.placement(world);
    choose_panels(registry, placement);
    const StoreLayout layout(registry, placement, AdamW{.epsilon = 1e-3});
    dist::Zero planner(layout, zero);
    auto all = work_of(model_, {0, 1, 2, 3, 4});
    add_parameters(plan_, layout);
    add_step(plan_, plan_training(model_, threads_, all.view(), all.batch, &planner),
             plan_evaluation(model_, threads_, all.view(), all.batch, &planner), plan_update(planner, threads_), 1);
    store_ = std::make_unique<store_t<P>>(std::move(registry), layout);
    store_->fill([](const auto& p, Index e) { return start(p, e); });
    engine_ = std::make_unique<Engine<P::precision, M, D>>(
        model_, *store_, threads_, plan_.of("step"), EngineSettings{.groups = 2, .count_correct = true, .zero = zero},
        world);
    rates_.assign(store_->registry().params.size(), 0.01);
  }

  StepResult step(const Step& step) {
    Index tokens = 0;
    for (const auto& m : step[rank_])
      for (int i : m) tokens += supervised(conversations()[i]);
    engine_->begin_step(tokens);
    for (const auto& m : step[rank_]) {
      auto w = work_of(model_, m);
      engine_->micro_batch(w.view(), w.batch, &m == &step[rank_].back());
    }
    return engine_->finish_step(rates_, 1);
  }
  // The largest micro-batch that was planned for: afterwards the arena has held all that was planned.
  void fill_arena() {
    auto all = work_of(model_, {0, 1, 2, 3, 4});
    engine_->begin_step(Index(all.batch.targets.row.size()));
    engine_->micro_batch(all.view(), all.batch, true);
    engine_->finish_step(rates_, 1);
  }
  double evaluate(const std::vector<int>& which) {
    auto w = work_of(model_, which);
    return engine_->evaluate(w.view(), w.batch).total();
  }
  std::vector<double> masters() { return store_shares::masters(*store_); }  // this rank's share
  const Plan& plan() const { return plan_; }
  const auto& engine() const { return *engine_; }
  const auto& store() const { return *store_; }

 private:
  int rank_;
  M model_;
  Threads threads_{1};
  Plan plan_;
  std::unique_ptr<store_t<P>> store_;
  std::unique_ptr<Engine<P::precision, M, D>> engine_;
  std::vector<double> rates_;
};

struct Outcome {
  std::vector<StepResult> results;
  std::vector<double> masters, evaluation;
  std::size_t planned = 0, used = 0, lent = 0, panels = 0;
  bool as_planned = false;
};
template <class P, class M> Outcome run_rank(dist::World& world, M model, dist::ZeroSettings zero) {
  RankEngine<P, M> rank(world, std::move(model), zero);
  Outcome o;
  for (const Step& s : steps_of(world.size())) o.results.push_back(rank.step(s));
  o.masters = rank.masters();
  // evaluation is a rank's own: the first has nothing to evaluate in the second round
  o.evaluation = {rank.evaluate({0, 1, 2}),
                  rank.evaluate(world.rank() == 0 ? std::vector<int>{} : std::vector<int>{3})};
  rank.fill_arena();
  o.planned = rank.plan().of("step"), o.used = rank.engine().peak();
  o.lent = rank.plan().of("step", "lent weights") + rank.plan().of("step", "lent gradients");
  o.panels = rank.store().bytes().panels;
  o.as_planned = rank.engine().bytes() == o.planned && o.used == o.planned &&
                 rank.store().bytes().total() == rank.plan().total() - o.planned;
  return o;
}

bool same(const StepResult& a, const StepResult& b) {
  return a.loss == b.loss && a.grad_norm == b.grad_norm && a.correct == b.correct && a.supervised == b.supervised &&
         a.group_loss == b.group_loss && a.group_supervised == b.group_supervised && a.finite && b.finite;
}

template <class P, class Build> Outcome run_group(int ranks, dist::ZeroSettings zero, Build&& build) {
  std::vector<Outcome> each(ranks);
  dist::ThreadGroup::run(ranks, [&](dist::World& world) { each[world.rank()] = run_rank<P>(world, build(), zero); });
  Outcome all = each[0];
  for (int r = 0; r < ranks; ++r) {
    INFO("rank " << r);
    CHECK(each[r].as_planned);
    CHECK(each[r].planned == all.planned);
    for (std::size_t s = 0; s < all.results.size(); ++s) CHECK(same(each[r].results[s], all.results[s]));
    for (std::size_t i = 0; r > 0 && i < all.masters.size(); ++i) all.masters[i] += each[r].masters[i];
    if (r > 0) all.evaluation[1] = each[r].evaluation[1];
    CHECK(each[r].evaluation[0] == all.evaluation[0]);
  }
  return all;
}

template <class P, class Build> void compare(Build&& build, double tolerance, bool packs) {
  dist::Single single;
  Outcome alone = run_rank<P>(single, build(), {});
  for (const int ranks : {2, 3})
    for (const Reduce when : {Reduce::once, Reduce::every_micro_batch}) {
      std::vector<Outcome> stage;
      for (int n = 0; n < 4; ++n) stage.push_back(run_group<P>(ranks, {n, when}, build));
      INFO(ranks << " ranks, schedule " << int(when));
      for (int n = 1; n < 4; ++n) {
        INFO("stage " << n);
        CHECK(stage[n].masters == stage[0].masters);
        CHECK(stage[n].evaluation == stage[0].evaluation);
        for (std::size_t s = 0; s < alone.results.size(); ++s) CHECK(same(stage[n].results[s], stage[0].results[s]));
        CHECK((stage[n].panels > 0) == (packs && n < 3));
      }
      CHECK((stage[0].lent > 0) == (when == Reduce::every_micro_batch));
      CHECK(stage[3].lent > stage[2].lent);
      CHECK(distance(stage[0].masters, alone.masters) < tolerance);
      for (std::size_t s = 0; s < alone.results.size(); ++s) {
        CHECK(stage[0].results[s].loss == Approx(alone.results[s].loss).epsilon(tolerance));
        CHECK(stage[0].results[s].grad_norm == Approx(alone.results[s].grad_norm).epsilon(tolerance));
        CHECK(stage[0].results[s].group_supervised == alone.results[s].group_supervised);
        CHECK(stage[0].results[s].correct == alone.results[s].correct);
      }
    }
}

template <class P> auto with_adapters() {
  auto model = build<Model<P>>(2, true);
  auto registry = registry_of<P>(model);
  attach_adapters(registry, {"q_proj", "v_proj", "fc1"}, 2, 4.0);
  return model;
}

}  // namespace

TEST_CASE("engines of several ranks train as one, whatever they share and however uneven their data", "[threads]") {
  using P = Policy<under_test, Precision::f64>;
  compare<P>([] { return build<Model<P>>(2, true); }, 1e-11, false);
}

TEST_CASE("ranks train adapters of packed frozen weights as one, packed or shared", "[threads]") {
  using P = Policy<under_test, Precision::f32, Tuning::adapted>;
  compare<P>(with_adapters<P>, 1e-4, true);
}

TEST_CASE("without a supervised token on any rank there is no step", "[threads]") {
  using P = Policy<under_test, Precision::f64>;
  std::vector<Index> tokens(2);
  dist::ThreadGroup::run(2, [&](dist::World& world) {
    auto model = build<Model<P>>(1);
    ParameterStore store(registry_of<P>(model), dist::ZeroSettings{3}.placement(world));
    Threads threads(1);
    Engine engine(model, store, threads, 1 << 20, {.zero = {3}}, world);
    const Index none = engine.begin_step(0), some = engine.begin_step(world.rank() == 0 ? 0 : 7);
    tokens[world.rank()] = none == 0 ? some : -1;
  });
  CHECK(tokens == std::vector<Index>{7, 7});
}

TEST_CASE("a rank whose batch is too large ends the step of all", "[threads]") {
  using P = Policy<under_test, Precision::f64>;
  std::vector<std::string> codes(3);
  const auto run = [&] {
    dist::ThreadGroup::run(3, [&](dist::World& world) {
      RankEngine<P, Model<P>> rank(world, build<Model<P>>(1), {3});
      const std::vector<int> mine = world.rank() == 1 ? std::vector<int>{0, 1, 2, 3, 4, 2} : std::vector<int>{0};
      try {
        rank.step(Step(3, {mine}));
      } catch (const Error& e) {
        codes[world.rank()] = e.complaint().code();
        throw;
      }
    });
  };
  CHECK_THROWS_AS(run(), Error);
  CHECK(codes == std::vector<std::string>{"PEER-FAIL-001", "MEM-ARENA-001", "PEER-FAIL-001"});
}

namespace {
// Visits its second unit only for a batch that has something to learn.
template <class P> struct Skipping {
  using host_pixels = typename Model<P>::host_pixels;
  struct saved {};
  Unit<Linear<P>> first{Linear<P>(3, 5, false)}, second{Linear<P>(3, 5, false)};
  static constexpr auto fields() {
    return members(member<"first">(&Skipping::first), member<"second">(&Skipping::second));
  }
  void forward_backward(Scope& s, host_pixels, const Batch& b, double, saved&, LossAccumulator<under_test>&) {
    first.finish(s, [](auto&) {});
    if (!b.targets.row.empty()) second.finish(s, [](auto&) {});
  }
};
}  // namespace

TEST_CASE("a model whose data decide what it visits is refused, not waited for", "[threads]") {
  using P = Policy<under_test, Precision::f64>;
  std::vector<int> refused(2);
  const auto run = [&](int ranks) {
    dist::ThreadGroup::run(ranks, [&](dist::World& world) {
      Skipping<P> model;
      ParameterStore store(registry_of<P>(model), dist::ZeroSettings{3}.placement(world));
      Threads threads(1);
      Engine engine(model, store, threads, 1 << 16, {.zero = {3}}, world);
      Batch something, nothing;
      something.targets.row = something.targets.id = {0};
      engine.begin_step(1);
      engine.micro_batch({}, something, false);
      try {
        engine.micro_batch({}, nothing, true);
      } catch (const std::invalid_argument&) {
        refused[world.rank()] = 1;
        throw;
      }
    });
  };
  CHECK_NOTHROW(run(1));
  CHECK(refused == std::vector<int>{0, 0});
  CHECK_THROWS_AS(run(2), std::invalid_argument);
  CHECK(refused == std::vector<int>{1, 1});
}
