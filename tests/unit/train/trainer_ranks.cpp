// Ranks that train one model through their trainers: what they share, how uneven their data are and what they lose must
// not matter.
#include <vlt/dist/thread_group.hpp>
#include "byte_training.hpp"

using namespace byte_training;
using dist::Reduce;

namespace {

// The ranks' outcomes, and their masters put together.
struct Group {
  std::vector<Outcome> ranks;
  std::vector<double> masters;
};
template <class P, class Build>
Group train_group(int ranks, dist::ZeroSettings zero, Build&& build, vlt::data::BatchRules rules = {.sequences = 2}) {
  Group g;
  rules.epochs = 3, rules.accumulation = 2;
  g.ranks.resize(std::size_t(ranks));
  dist::ThreadGroup::run(ranks, [&](dist::World& world) {
    g.ranks[std::size_t(world.rank())] = train<P>(world, build(), Course{.rules = rules, .zero = zero});
  });
  g.masters.assign(g.ranks[0].masters.size(), 0);
  for (const Outcome& o : g.ranks) {
    CHECK(o.state == g.ranks[0].state);
    CHECK(o.planned == g.ranks[0].planned);
    CHECK(o.used <= o.planned);
    for (std::size_t i = 0; i < g.masters.size(); ++i) g.masters[i] += o.masters[i];
  }
  if (rules.sequences == 2) CHECK(g.ranks[0].used == g.ranks[0].planned);  // it had the two largest records
  return g;
}

// The same numbers but for rounding: the same micro-batches on one rank.
void compare_alone(const Group& group, const Group& alone) {
  const MetricsHistory &a = group.ranks[0].state.history, &b = alone.ranks[0].state.history;
  REQUIRE(a.steps.size() == b.steps.size());
  for (std::size_t i = 0; i < a.steps.size(); ++i) {
    CHECK(a.steps[i].loss == Approx(b.steps[i].loss).epsilon(1e-5));
    CHECK(a.steps[i].grad_norm == Approx(b.steps[i].grad_norm).epsilon(1e-4));
    CHECK(a.steps[i].tokens == b.steps[i].tokens);
    CHECK(a.steps[i].supervised_tokens == b.steps[i].supervised_tokens);
    CHECK(a.steps[i].token_accuracy == b.steps[i].token_accuracy);
  }
  REQUIRE(a.evaluations.size() == b.evaluations.size());
  for (std::size_t i = 0; i < a.evaluations.size(); ++i)
    CHECK(a.evaluations[i].eval_loss == Approx(b.evaluations[i].eval_loss).epsilon(1e-5));
}
template <class P, class Build> void compare_stages(Build&& build, bool packs) {
  for (const int ranks : {2, 3}) {
    const Group alone = train_group<P>(1, {}, build, {.sequences = 2 * ranks});
    for (const Reduce when : {Reduce::once, Reduce::every_micro_batch}) {
      std::vector<Group> stage;
      for (int n = 0; n < 4; ++n) stage.push_back(train_group<P>(ranks, {n, when}, build));
      INFO(ranks << " ranks, schedule " << int(when));
      for (int n = 1; n < 4; ++n) {
        INFO("stage " << n);
        CHECK(stage[n].masters == stage[0].masters);
        CHECK(stage[n].ranks[0].state == stage[0].ranks[0].state);
        CHECK((stage[n].ranks[0].panels > 0) == (packs && n < 3));
      }
      compare_alone(stage[0], alone);
    }
  }
}

}  // namespace

TEST_CASE("ranks that share a model, in whole or in part, train the same through their trainers", "[threads]") {
  using P = Policy<under_test, Precision::f32>;
  compare_stages<P>(build_for_bytes<P>, false);
}

TEST_CASE("ranks that train adapters of packed frozen weights do so too", "[threads]") {
  using P = Policy<under_test, Precision::f32, Tuning::adapted>;
  compare_stages<P>(with_adapters<P>, true);
}
