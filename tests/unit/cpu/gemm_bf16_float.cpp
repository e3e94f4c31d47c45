#include "gemm_cases.hpp"

TEST_CASE("products of bf16 into float are their definition") { check_gemm<vlt::bf16, float>(); }
