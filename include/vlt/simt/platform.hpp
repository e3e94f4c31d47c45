#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vlt/base/config.hpp>

// VLT_SIMT stands before every function that a kernel calls. A CUDA compiler makes two bodies of it, one for the device
// and one for the host; any other compiler makes the host's alone. The host's body calls an emulator
// (simt/emulation.hpp), so that kernels run, and are watched, on a machine without a GPU.
#if VLT_CUDA_COMPILER
#define VLT_SIMT __host__ __device__ __forceinline__
#define VLT_UNROLL _Pragma("unroll")
#define VLT_KEEP_LOOP _Pragma("unroll 1")
#else
#define VLT_SIMT inline
#define VLT_UNROLL _Pragma("GCC unroll 16")
#define VLT_KEEP_LOOP _Pragma("GCC unroll 1")
#endif
