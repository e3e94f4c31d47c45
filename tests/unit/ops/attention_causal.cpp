#include "attention_cases.hpp"

TEMPLATE_TEST_CASE("tiled attention is attention: causal", "", float, vlt::bf16, vlt::f16) {
  check_mask<vlt::mask::Causal, TestType>();
}
