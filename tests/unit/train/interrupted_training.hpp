#pragma once
#include <unit/io/temporary_folder.hpp>
#include <vlt/dist/thread_group.hpp>
#include "byte_training.hpp"

// A run that ends after any step and goes on from its checkpoint, beside one that was not interrupted.
namespace interrupted {
using namespace byte_training;
using vlt::test::TemporaryFolder;

inline constexpr Index last_step = 12;

inline vlt::data::BatchRules twelve_steps(Index accumulation, int ranks = 1) {
  return {.sequences = 2, .epochs = (1 + ranks) * accumulation, .accumulation = accumulation, .max_steps = last_step};
}
// The outcome of every rank.
template <class P, class Build> std::vector<Outcome> on_ranks(int ranks, Build build, const Course& course) {
  std::vector<Outcome> each(static_cast<std::size_t>(ranks));
  dist::ThreadGroup::run(
      ranks, [&](dist::World& world) { each[std::size_t(world.rank())] = train<P>(world, build(), course); });
  return each;
}
// Ends after every step in turn. Another number of workers reads the rest.
template <class P, class Build> void interrupt(int ranks, Build build, Course course) {
  const std::vector<Outcome> whole = on_ranks<P>(ranks, build, course);
  REQUIRE(whole[0].state.step == last_step);
  REQUIRE(whole[0].state.history.evaluations.size() == last_step / 2);
  REQUIRE((whole[0].state.overflows > 0) == scales_loss(P::precision));
  REQUIRE(whole[0].state.updates > 1);
  for (Index stop = 1; stop <= last_step; ++stop) {
    INFO("stopped in step " << stop << ", " << ranks << " ranks, accumulation " << course.rules.accumulation);
    const TemporaryFolder t;
    Course first = course, second = course;
    first.checkpoints = second.checkpoints = t.path;
    first.stop_in = stop, second.from = stop, second.workers = 1 + stop % 3;
    for (const Outcome& o : on_ranks<P>(ranks, build, first)) {
      CHECK(o.end == RunEnd::stopped);
      CHECK(o.state.step == stop);
    }
    const std::vector<Outcome> rest = on_ranks<P>(ranks, build, second);
    for (std::size_t r = 0; r < rest.size(); ++r) {
      CHECK(rest[r].end == RunEnd::finished);
      CHECK(rest[r].sections == whole[r].sections);
      CHECK(rest[r].state == whole[r].state);
    }
  }
}
template <Precision F> using Trainable = Policy<under_test, F, Tuning::trainable>;
template <Precision F> using Adapted = Policy<under_test, F, Tuning::adapted>;

}  // namespace interrupted
