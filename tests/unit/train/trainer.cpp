#include <catch2/catch.hpp>
#include <vlt/train/trainer.hpp>

using namespace vlt;

TEST_CASE("accumulation runs on across epochs and the last partial step is applied") {
  const RunLength n{5, 3, 4, 0};  // 15 micro-batches, 4 to a step
  CHECK(n.schedule_steps() == 4);
  CHECK(n.steps() == 4);
  CHECK(n.read_after(3) == 12);
  CHECK(n.read_after(4) == 15);
  CHECK(n.epochs_after(4) == 3.0);
}

TEST_CASE("max_steps ends the run but not the schedule") {
  const RunLength n{5, 2, 1, 7};
  CHECK(n.steps() == 7);
  CHECK(n.schedule_steps() == 10);
  CHECK(RunLength{5, 2, 1, 70}.steps() == 10);
}
