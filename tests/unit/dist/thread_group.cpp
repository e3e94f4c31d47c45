#include <vlt/dist/thread_group.hpp>

#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>

using namespace vlt;
using dist::ThreadGroup;

// ((1e16 + 1) - 1e16) + 1 = 1: any other order of these four gives something else, in at least one place.
TEST_CASE("sums are formed in rank order, shares arrive in their places", "[threads]") {
  const double value[4] = {1e16, 1, -1e16, 1};
  std::vector<std::vector<double>> sums(4), gathered(4), parts(4);
  ThreadGroup::run(4, [&](dist::World& world) {
    const int rank = world.rank();
    std::vector<double> x(8), all(8, value[rank]), part(2), back(8);
    for (int i = 0; i < 8; ++i) x[i] = value[rank] * (i + 1);
    world.reduce_scatter_sum<double>(std::span<const double>(x), std::span<double>(part));
    world.all_reduce_sum<double>(std::span<double>(all));
    parts[rank] = part;
    part = {double(rank), -double(rank)};
    world.all_gather<double>(std::span<const double>(part), std::span<double>(back));
    sums[rank] = all, gathered[rank] = back;
  });
  for (int rank = 0; rank < 4; ++rank) {
    CHECK(sums[rank] == std::vector<double>(8, 1));
    CHECK(gathered[rank] == std::vector<double>{0, 0, 1, -1, 2, -2, 3, -3});
    for (int i = 0; i < 2; ++i) {
      double expected = 0;
      for (double v : value) expected += v * (2 * rank + i + 1);
      CHECK(parts[rank][i] == expected);
    }
  }
}

TEST_CASE("collectives work in place and on sizes that ranks do not divide", "[threads]") {
  for (int ranks : {1, 2, 3}) {
    std::vector<int> right(ranks, 0);
    ThreadGroup::run(ranks, [&](dist::World& world) {
      const int rank = world.rank();
      std::vector<float> x(7), y(2 * ranks);
      for (int i = 0; i < 7; ++i) x[i] = float(i + rank);
      world.all_reduce_sum<float>(std::span<float>(x));
      std::iota(y.begin(), y.end(), float(rank));
      const std::span<float> mine(y.data() + 2 * rank, 2);
      world.reduce_scatter_sum<float>(std::span<const float>(y), mine);
      world.all_gather<float>(std::span<const float>(mine), std::span<float>(y));
      bool ok = true;
      const float ranks_sum = float(ranks * (ranks - 1) / 2);
      for (int i = 0; i < 7; ++i) ok &= x[i] == float(ranks * i) + ranks_sum;
      for (int i = 0; i < 2 * ranks; ++i) ok &= y[i] == float(ranks * i) + ranks_sum;
      right[rank] = ok;
    });
    CHECK(right == std::vector<int>(ranks, 1));
  }
}

TEST_CASE("counts are added exactly, and what one rank knows reaches all", "[threads]") {
  const Index large = Index(1) << 60;
  std::vector<std::vector<Index>> sums(3);
  std::vector<std::vector<bf16>> told(3);
  ThreadGroup::run(3, [&](dist::World& world) {
    sums[world.rank()] = {large + world.rank(), -world.rank()};
    world.all_reduce_sum<Index>(sums[world.rank()]);
    told[world.rank()] = {bf16(float(world.rank())), bf16(7.0f)};
    world.broadcast<bf16>(told[world.rank()], 2);
  });
  for (int rank = 0; rank < 3; ++rank) {
    CHECK(sums[rank] == std::vector<Index>{3 * large + 3, -3});
    CHECK(float(told[rank][0]) == 2);
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
