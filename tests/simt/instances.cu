// Every kernel, for nvcc.
#include <simt/kernels.hpp>

namespace vlt::simt {
#define VLT_ENTRY(...) template __global__ void entry<__VA_ARGS__>(const __grid_constant__ __VA_ARGS__);
VLT_KERNELS(VLT_ENTRY)
}  // namespace vlt::simt
