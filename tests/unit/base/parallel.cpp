#include <catch2/catch.hpp>
#include <numeric>
#include <vector>
#include <vlt/base/parallel.hpp>
using namespace vlt;

TEST_CASE("every thread of a team works once a turn", "[threads]") {
  for (int n : {1, 2, 5}) {
    Threads team(n);
    CHECK(team.count() == n);
    std::vector<long> turns(std::size_t(n), 0);
    for (int turn = 0; turn < 300; ++turn)
      team.run([&](int thread, int count) {
        if (count == n) ++turns[std::size_t(thread)];
      });
    CHECK(turns == std::vector<long>(std::size_t(n), 300));
  }
}

TEST_CASE("ranges cover a loop once, with borders at multiples of the grain", "[threads]") {
  for (int n : {1, 3, 8}) {
    Threads team(n);
    for (Index size : {0, 1, 7, 64, 1000}) {
      CAPTURE(n, size);
      std::vector<int> met(std::size_t(size), 0), begins(std::size_t(size), 0);
      team.ranges(size, 16, [&](Index begin, Index end) {
        begins[std::size_t(begin)] = 1;
        for (Index i = begin; i < end; ++i) ++met[std::size_t(i)];
      });
      CHECK(met == std::vector<int>(std::size_t(size), 1));
      for (Index i = 0; i < size; ++i)
        if (i % 16) CHECK(begins[std::size_t(i)] == 0);
      CHECK(std::accumulate(begins.begin(), begins.end(), 0) <= n);
    }
  }
}
