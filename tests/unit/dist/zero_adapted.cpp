#include "zero_training.hpp"

using namespace zero_training;

TEST_CASE("every stage of ZeRO trains the same adapters, bit for bit", "[threads]") {
  const int ranks = GENERATE(2, 3);
  INFO(ranks << " ranks");
  compare_stages<Policy<under_test, Precision::f64, Tuning::adapted>>(ranks, false, 1e-12);
}

TEST_CASE("every stage of ZeRO trains the same adapters of packed weights, bit for bit", "[threads]") {
  const int ranks = GENERATE(2, 3);
  const bool tied = GENERATE(false, true);
  INFO(ranks << " ranks" << (tied ? ", tied head" : ""));
  compare_stages<Policy<under_test, Precision::f32, Tuning::adapted>>(ranks, tied, 1e-4);
}
