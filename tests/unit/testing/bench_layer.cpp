#include <catch2/catch.hpp>
#include <unit/device.hpp>
#include <vlt/nn/linear.hpp>
#include <vlt/testing/bench_layer.hpp>
using namespace vlt;
using Catch::Contains;

namespace {
using P = Policy<under_test, Precision::f32>;

testing::BenchReport report_of(testing::BenchOptions options) {
  Linear<P> layer(64, 32, true);
  const Segments batch = equal_segments(2, 16);
  return testing::bench_layer<P>(layer, {32, 32}, batch, options);
}
}  // namespace

TEST_CASE("bench_layer reports what a layer says it costs, and the time it took") {
  const auto report = report_of({.seconds = 0.02, .threads = 2, .peak_gflops = 1e6});
  CHECK(report.forward.cost.flops == 2.0 * 32 * 32 * 64);
  CHECK(report.backward.cost.flops >= 4.0 * 32 * 32 * 64);
  CHECK(report.arena_bytes > 0);
  for (const testing::PassReport& p : {report.forward, report.backward}) {
    CHECK(p.useful_flops == p.cost.flops);
    for (const testing::Spread& s : {p.cpu_seconds, p.wall_seconds}) {
      CHECK(s.least > 0);
      CHECK(s.least <= s.median);
      CHECK(s.median <= s.most);
    }
    CHECK(p.gflops() == Approx(p.cost.flops / p.cpu_seconds.median * 1e-9));
  }
  CHECK_THAT(report.text(), Contains("backward") && Contains("of the peak") && !Contains("wrong"));
}

TEST_CASE("work that is of no use does not count") {
  const auto report = report_of({.seconds = 0, .samples = 1, .useful_forward_flops = 7, .useful_backward_flops = 5});
  CHECK(report.forward.useful_flops == 7);
  CHECK(report.backward.useful_flops == 5);
  CHECK(report.forward.cost.flops == 2.0 * 32 * 32 * 64);
  CHECK_THAT(report.text(), !Contains("of the peak"));
}

TEST_CASE("more than the peak is called a wrong measurement") {
  CHECK_THAT(report_of({.seconds = 0, .samples = 1, .peak_gflops = 1e-9}).text(), Contains("one of the two is wrong"));
}
