#include "gemm_cases.hpp"

TEST_CASE("products of fp16 into fp16 are their definition") { check_gemm<vlt::f16, vlt::f16>(); }
