#include <catch2/catch.hpp>
#include <thread>
#include <vlt/testing/stopwatch.hpp>
using namespace vlt;

namespace {
// Computes until this thread has used so many seconds more; returns how many it were.
double work_for(double seconds) {
  const double begin = thread_seconds();
  while (thread_seconds() - begin < seconds) {}
  return thread_seconds() - begin;
}
}  // namespace

TEST_CASE("a stopwatch adds what every thread of a team has worked", "[threads]") {
  for (int count : {1, 3}) {
    CAPTURE(count);
    Threads team(count);
    testing::Stopwatch stopwatch(team);
    std::vector<double> each(std::size_t(count), 0.0);
    const testing::Elapsed e =
        stopwatch.time([&] { team.run([&](int i, int) { each[std::size_t(i)] = work_for(0.01 * (i + 1)); }); });
    const double all = std::accumulate(each.begin(), each.end(), 0.0);
    CHECK(e.cpu >= all);
    CHECK(e.cpu < 2 * all);
    CHECK(e.wall >= 0.01 * count);
  }
}

TEST_CASE("waiting is no work") {
  Threads team(1);
  const testing::Elapsed e =
      testing::Stopwatch(team).time([] { std::this_thread::sleep_for(std::chrono::milliseconds(40)); });
  CHECK(e.wall >= 0.04);
  CHECK(e.cpu < 0.02);
}

TEST_CASE("times add up and divide") {
  testing::Elapsed sum{1, 2};
  sum += {3, 6};
  CHECK(sum.cpu == 4);
  CHECK(sum.wall == 8);
  CHECK((sum / 4).cpu == 1);
  CHECK((sum / 4).wall == 2);
}

TEST_CASE("the median of several measurements, and how far they lie apart") {
  const auto is = [](const testing::Spread& s, double median, double least, double most) {
    return s.median == median && s.least == least && s.most == most;
  };
  CHECK(is(testing::Spread({5, 1, 9}), 5, 1, 9));
  CHECK(is(testing::Spread({4, 1, 9, 2}), 3, 1, 9));
  CHECK(is(testing::Spread(std::vector<double>{}), 0, 0, 0));
}
