#pragma once
#include <cstdint>

// What this translation unit is compiled for: the only place that asks the compiler about its platform.
// Code chosen by these switches carries an instruction-set tag in its type, so that translation units compiled with
// different flags can be linked into one program.
#if defined(__AVX512BF16__) && defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && \
    defined(__AVX512DQ__)
#define VLT_ISA_AVX512_BF16 1
#else
#define VLT_ISA_AVX512_BF16 0
#endif
#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512DQ__)
#define VLT_ISA_AVX512 1
#else
#define VLT_ISA_AVX512 0
#endif
#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#define VLT_ISA_AVX2 1
#else
#define VLT_ISA_AVX2 0
#endif

// The value of Device::cpu (base/policy.hpp): the best instruction set this translation unit may use.
#if VLT_ISA_AVX512_BF16
#define VLT_HOST_ISA 3
#elif VLT_ISA_AVX512
#define VLT_HOST_ISA 2
#elif VLT_ISA_AVX2
#define VLT_HOST_ISA 1
#else
#define VLT_HOST_ISA 0
#endif

// Is this a compiler of CUDA, and is this its pass for the device? A kernel's body is compiled twice then.
#if defined(__CUDACC__)
#define VLT_CUDA_COMPILER 1
#else
#define VLT_CUDA_COMPILER 0
#endif
#if defined(__CUDA_ARCH__)
#define VLT_ON_DEVICE 1
#else
#define VLT_ON_DEVICE 0
#endif

namespace vlt {

// Rows, columns, token ids: signed, so that differences of sizes are safe.
using Index = std::int64_t;

}  // namespace vlt
