#include <catch2/catch.hpp>
#include <cmath>
#include <unit/device.hpp>
#include <vlt/ops/sum_of_squares.hpp>

using namespace vlt;

namespace {
// Of `count` numbers from `first` on, added to `before`.
double sum(const std::vector<float>& x, int threads, Index first, Index count, double before) {
  Threads team(threads);
  Buffer<float, under_test> values(Index(x.size()));
  values.copy_from_host(x);
  const auto pass = [&](Arena& arena) {
    Scope s(arena, team);
    auto row = s.keep<Matrix<float, under_test>>({1, count});
    row.data = values.address(first);
    const auto total = s.keep<Matrix<double, under_test>>({1, 1});
    ops::fill(s, total, before);
    ops::add_sum_of_squares(s, row, total);
    CHECK(s.total().flops == Approx(2.0 * double(count)).margin(1));
    return arena.planning() ? 0 : values_of(total)[0];
  };
  Arena plan;
  pass(plan);
  const auto memory = memory_of_nans(plan.peak());
  Arena arena(memory);
  return pass(arena);
}
}  // namespace

TEST_CASE("a sum of squares does not depend on the number of threads", "[threads]") {
  std::vector<float> x(100003);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::sin(0.37f * float(i)) * (i % 1000 == 0 ? 1e3f : 1e-3f);
  const Index all = Index(x.size());
  long double exact = 0;
  for (float v : x) exact += static_cast<long double>(v) * v;
  const double one = sum(x, 1, 0, all, 0);
  CHECK(one == sum(x, 3, 0, all, 0));
  CHECK(one == Approx(double(exact)).epsilon(1e-14));
  CHECK(sum(x, 1, 0, all, one) == 2 * one);
  CHECK(sum(x, 1, 1, 0, 5) == 5);
  CHECK(sum(x, 2, 100002, 1, 0) == double(x[100002]) * double(x[100002]));
  x[77777] = NAN;
  CHECK(std::isnan(sum(x, 3, 0, all, 0)));
}
