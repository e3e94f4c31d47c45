#pragma once
// What kernels are written in.
#include <vlt/simt/async_copy.hpp>
#include <vlt/simt/barrier.hpp>
#include <vlt/simt/index.hpp>
#include <vlt/simt/kernel.hpp>
#include <vlt/simt/math.hpp>
#include <vlt/simt/reduce.hpp>
#include <vlt/simt/shuffle.hpp>
#include <vlt/simt/tensor_core.hpp>
#include <vlt/simt/vector_access.hpp>
