#include <catch2/catch.hpp>
#include <vlt/dist/thread_group.hpp>
#include "collectives.hpp"

using namespace vlt;
using dist::ThreadGroup;

namespace {

// Whether every rank of a group of so many saw what it should.
template <class F> std::vector<int> seen_by(int ranks, F&& check) {
  std::vector<int> right(std::size_t(ranks), 0);
  ThreadGroup::run(ranks, [&](dist::World& world) { right[std::size_t(world.rank())] = check(world); });
  return right;
}

}  // namespace

TEST_CASE("collectives keep what they promise", "[threads]") {
  for (const int ranks : {1, 2, 3, 4}) {
    CAPTURE(ranks);
    const std::vector<int> all(std::size_t(ranks), 1);
    CHECK(seen_by(ranks, test::sums_are_formed_in_rank_order) == all);
    CHECK(seen_by(ranks, [](dist::World& w) { return test::collectives_work_in_place(w, 7); }) == all);
    CHECK(seen_by(ranks, test::long_shares_arrive_whole) == all);
    CHECK(seen_by(ranks, test::counts_are_exact_and_one_tells_all) == all);
  }
}

TEST_CASE("a world of one rank copies what is not in place", "[dist]") {
  dist::Single alone;
  dist::World& world = alone;
  std::vector<double> x{1, 2, 3}, y(3);
  world.reduce_scatter_sum<double>(x, y);
  CHECK(y == x);
  std::vector<float> a{4, 5}, b(2);
  world.all_gather<float>(a, b);
  world.all_reduce_sum<float>(b);
  world.broadcast<float>(b);
  world.barrier();
  CHECK(b == a);
  CHECK_THROWS_AS(world.broadcast<float>(b, 1), std::invalid_argument);
  CHECK_THROWS_AS(world.all_gather<double>(x, std::span(y).first(2)), std::invalid_argument);
  CHECK_THROWS_AS(world.reduce_scatter_sum<double>(x, std::span(y).first(2)), std::invalid_argument);
  CHECK((world.rank() == 0 && world.size() == 1));
}

TEST_CASE("a rank that fails stops the others and reaches the caller", "[threads]") {
  std::vector<int> stopped(3, 0);
  const auto run = [&] {
    ThreadGroup::run(3, [&](dist::World& world) {
      try {
        world.barrier();  // rank 1 may fail before the others have left it
        if (world.rank() == 1) throw std::runtime_error("rank 1 has had enough");
        std::vector<float> x(5);
        for (;;) world.all_reduce_sum<float>(std::span<float>(x));
      } catch (const Error& e) {
        stopped[world.rank()] = e.exit() == ExitCode::peer;
        throw;
      }
    });
  };
  CHECK_THROWS_WITH(run(), "rank 1 has had enough");
  CHECK(stopped == std::vector<int>{1, 0, 1});
}

// Stops of the ranks that still count on one which does not come.
template <class F> std::vector<int> stopped_without(int ranks, F&& leave) {
  std::vector<int> stopped(ranks, 0);
  const auto run = [&] {
    ThreadGroup::run(ranks, [&](dist::World& world) {
      std::vector<float> x(5);
      world.all_reduce_sum<float>(x);
      try {
        if (world.rank() == 1) leave(world);
        else world.barrier();
      } catch (const Error& e) {
        stopped[world.rank()] = e.exit() == ExitCode::peer;
        throw;
      }
    });
  };
  CHECK_THROWS_AS(run(), Error);
  return stopped;
}
TEST_CASE("nobody waits for a rank that has left or given up", "[threads]") {
  CHECK(stopped_without(3, [](dist::World&) {}) == std::vector<int>{1, 0, 1});
  CHECK(stopped_without(2, [](dist::World& world) { world.abort(), world.abort(), world.barrier(); }) ==
        std::vector<int>{1, 1});
}
