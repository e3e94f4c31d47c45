// What a step's messages cost beside its arithmetic, as ranks carry it out and at best.
#include <catch2/catch.hpp>
#include <vlt/train/step_timeline.hpp>

using namespace vlt;

namespace {

// Asks for 100 bytes of weights before each use of a unit, and for the sum of 40 bytes of gradients after it.
struct Asking final : dist::Lender {
  Asking() : Lender(2) {}
  void begin(Scope&, bool) override {}
  dist::LentBytes lent() const override { return {}; }
  void acquire(Scope& s, int, Pass) override {
    s.run("gather_weights", {0, 100}, [] {});
  }
  void release(Scope&, int) override {}
  void grad_ready(Scope& s, int) override {
    s.run("reduce_gradients", {0, 40}, [] {});
  }
};

StepTimeline of(int ranks, int stage, Index times = 1) {
  Threads threads;
  Asking lender;
  StepTimeline t(ranks, stage);
  t.add(threads, lender, times, [](Scope& s) {
    s.acquire(0, Pass::forward), s.run("product", {10, 7}, [] {}), s.release(0);
    s.acquire(1, Pass::backward), s.run("product", {20, 7}, [] {}), s.grad_ready(1);
    s.run("product", {10, 7}, [] {});
  });
  return t;
}

}  // namespace

TEST_CASE("messages that a step waits for add to its arithmetic") {
  const StepTimeline t = of(2, 2);
  CHECK(t.flops() == 40);
  CHECK(t.bytes() == 50 + 50 + 20);  // the other half of everything
  CHECK(t.seconds({1, 10}) == 40 + 12);
  CHECK(of(2, 0).bytes() == 50 + 50 + 40);  // whole sums: parts of them, then the others' sums
  CHECK(of(4, 3).bytes() == 75 + 75 + 30);
  CHECK(of(1, 0).bytes() == 0);
  CHECK(of(1, 0).seconds({1, 0}) == 40);  // alone no link is needed
  CHECK(of(2, 2, 3).flops() == 120);
  CHECK(of(2, 2, 3).bytes() == 360);
}

TEST_CASE("messages that take their way while a rank computes cost what is not hidden") {
  // 5 s for the first weights, 10 s of arithmetic that hides the second ones, 20 s, and 10 s that hide the sum
  CHECK(of(2, 2).seconds_overlapped({1, 10}) == 5 + 10 + 20 + 10);
  // a slow link: weights of 50 s, twice, and 20 s for the sum, which comes after the second product
  CHECK(of(2, 2).seconds_overlapped({1, 1}) == 50 + 50 + 20 + 20);
  CHECK(of(1, 0).seconds_overlapped({1, 0}) == 40);
  Threads threads;
  Asking lender;
  StepTimeline t(2, 2);
  const auto pass = [](Scope& s) {
    s.acquire(0, Pass::backward), s.run("product", {10, 0}, [] {}), s.grad_ready(0);
    s.acquire(1, Pass::backward), s.run("product", {10, 0}, [] {});
  };
  t.add(threads, lender, 1, pass);
  CHECK(t.seconds_overlapped({1, 10}) == 5 + 10 + 10);  // the second weights do not queue behind the first sum
  t.add_update(threads, lender, [](Scope& s) {
    s.run("update", {3, 0}, [] {}), s.run("gather_weights", {0, 100}, [] {});
  });
  CHECK(t.seconds_overlapped({1, 10}) == 5 + 10 + 10 + 3 + 5);  // nothing hides the update's messages
  CHECK(t.seconds({1, 10}) == 10 + 10 + 3 + 5 + 5 + 2 + 5);
}

TEST_CASE("steps are shown by ranks and stages") {
  const std::string table = steps_table({of(1, 0), of(1, 0), of(4, 0), of(4, 1)}, 2, {1e12, 12.5e9});
  CHECK_THAT(table, Catch::Contains("1 TFLOP/s and 100 Gbit/s for each rank"));
  CHECK_THAT(table, Catch::Contains("\n4      1           4e-11 s         180 B"));
}
