// Steps whose micro-batches are filled up to a budget of tokens.
#include "scripted_engine.hpp"

using namespace scripted;

TEST_CASE("a step under a budget of tokens says how much of it was used") {
  dist::Single single;
  RunState state;
  const auto data = source(5);
  Index longest = 0, all = 0;
  for (const vlt::data::SampleSize& s : data->data.sizes) {
    longest = std::max<Index>(longest, s.tokens), all += s.tokens;
  }
  Run run(single, data, {.tokens = 2 * longest, .accumulation = 2}, state);
  run();
  double used = 0;
  for (const StepMetrics& m : run.heard.steps) {
    const auto micros = run.engine.steps[std::size_t(m.step) - 1].size();
    CHECK(m.filled == double(m.tokens) / double(Index(micros) * 2 * longest));
    used += *m.filled * double(micros);
  }
  CHECK(used == Approx(double(all) / double(2 * longest)));
  CHECK(run.heard.steps.size() == 2);  // of two micro-batches and of one
}

TEST_CASE("ranks fill their budgets one after another, and all have equally many steps", "[threads]") {
  const auto data = source(9);
  const Index budget = 2 * data->data.sizes.back().tokens;
  std::array<Recorder, 2> heard;
  std::array<std::vector<std::size_t>, 2> micro_batches;
  dist::ThreadGroup::run(2, [&](dist::World& world) {
    RunState state;
    Run run(world, data, {.tokens = budget, .ranks = 2}, state);
    run();
    heard[std::size_t(world.rank())] = run.heard;
    for (const auto& step : run.engine.steps) micro_batches[std::size_t(world.rank())].push_back(step.size());
  });
  CHECK(micro_batches[0] == micro_batches[1]);
  REQUIRE(heard[0].steps.size() == heard[1].steps.size());
  CHECK(heard[0].steps.size() >= 2);
  for (std::size_t s = 0; s < heard[0].steps.size(); ++s) {
    CHECK(heard[0].steps[s].filled == double(heard[0].steps[s].tokens) / double(2 * budget));
    CHECK(heard[0].steps[s].filled == heard[1].steps[s].filled);
  }
  CHECK(heard[0].steps[0].tokens > budget);  // more than one rank may read
}
