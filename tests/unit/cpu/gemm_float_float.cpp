#include "gemm_cases.hpp"

TEST_CASE("products of float into float are their definition") { check_gemm<float, float>(); }
