#include "zero_training.hpp"

using namespace zero_training;

TEST_CASE("every stage of ZeRO trains the same adapters, bit for bit", "[threads]") {
  const int ranks = GENERATE(2, 3);
  INFO(ranks << " ranks");
  compare_stages<Policy<Device::cpu, Precision::f64, Tuning::adapted>>(ranks, false, 1e-12);
}
