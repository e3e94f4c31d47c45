#include "zero_training.hpp"

using namespace zero_training;

// The same bits between stages; rounded otherwise than alone.
TEST_CASE("every stage of ZeRO trains the same model with 16-bit operands, bit for bit", "[threads]") {
  const int ranks = GENERATE(2, 3);
  INFO(ranks << " ranks");
  compare_stages<Policy<under_test, Precision::bf16>>(ranks, true, 1e-2);
}
