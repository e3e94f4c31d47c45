#include <catch2/catch.hpp>
#include <vlt/optim/loss_scale.hpp>
using namespace vlt;

namespace {
void go(LossScale& s, Index steps, bool finite = true) {
  for (Index i = 0; i < steps; ++i) s.step_done(finite);
}
}  // namespace

TEST_CASE("a loss scale begins at 2^16, doubles after 100 clean steps in a row, and is halved by any other") {
  LossScale s;
  CHECK(s.factor() == 65536);
  go(s, 99);
  CHECK(s == LossScale{16, 99});
  go(s, 1);
  CHECK(s == LossScale{17, 0});
  go(s, 199);
  CHECK(s == LossScale{18, 99});
  go(s, 1, false);  // the row is broken
  CHECK(s == LossScale{17, 0});
  go(s, 99), go(s, 2, false);
  CHECK(s == LossScale{15, 0});
  CHECK(s.factor() == 32768);
  go(s, 100);
  CHECK(s == LossScale{16, 0});
}

TEST_CASE("a loss scale stays between 1 and what a float holds") {
  LossScale s;
  CHECK(s.can_fall());
  go(s, 16, false);
  CHECK(s.factor() == 1);
  CHECK_FALSE(s.can_fall());
  go(s, 1, false);
  CHECK(s.factor() == 1);
  s = {LossScale::largest - 1, 0};
  go(s, 300);
  CHECK(s.power == LossScale::largest);
  CHECK(s.clean == 0);
  CHECK(std::isfinite(float(s.factor())));
}

TEST_CASE("only fp16 needs a loss scale") {
  for (const Precision p : precisions) CHECK(scales_loss(p) == (name(p) == std::string_view("fp16")));
}
