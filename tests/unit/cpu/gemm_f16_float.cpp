#include "gemm_cases.hpp"

TEST_CASE("products of fp16 into float are their definition") { check_gemm<vlt::f16, float>(); }
