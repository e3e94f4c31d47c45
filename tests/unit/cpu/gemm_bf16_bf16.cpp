#include "gemm_cases.hpp"

TEST_CASE("products of bf16 into bf16 are their definition") { check_gemm<vlt::bf16, vlt::bf16>(); }
