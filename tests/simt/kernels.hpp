#pragma once
#include <simt/vocabulary_kernels.hpp>
#include <vlt/ops/kernel/activation.hpp>
#include <vlt/ops/kernel/adamw.hpp>
#include <vlt/ops/kernel/attention_backward.hpp>
#include <vlt/ops/kernel/attention_forward.hpp>
#include <vlt/ops/kernel/column_sums.hpp>
#include <vlt/ops/kernel/cross_entropy.hpp>
#include <vlt/ops/kernel/elementwise.hpp>
#include <vlt/ops/kernel/layer_norm.hpp>
#include <vlt/ops/kernel/rms_norm.hpp>
#include <vlt/ops/kernel/rope.hpp>
#include <vlt/ops/kernel/sum_of_squares.hpp>
#include <vlt/ops/mask.hpp>
#include <vlt/tensor/segments.hpp>

// Every kernel that is compiled and tested: by g++ for the emulator, by nvcc for the device.
#define VLT_KERNELS_OF(KERNEL, T)                    \
  KERNEL(ops::kernel::RmsNorm<float, T, T>)          \
  KERNEL(ops::kernel::RmsNormDx<T, float, T>)        \
  KERNEL(ops::kernel::LayerNorm<float, T, T>)        \
  KERNEL(ops::kernel::LayerNormDx<T, float, T>)      \
  KERNEL(ops::kernel::ColumnPartials<T, float>)      \
  KERNEL(ops::kernel::Swiglu<T>)                     \
  KERNEL(ops::kernel::SwigluBackward<T>)             \
  KERNEL(ops::kernel::Activate<T>)                   \
  KERNEL(ops::kernel::ActivateBackward<T>)           \
  KERNEL(ops::kernel::RotateRows<T, Place>)          \
  KERNEL(ops::kernel::SoftmaxCrossEntropy<float, T>) \
  KERNEL(ops::kernel::AdamW<T>)                      \
  KERNEL(ops::kernel::SumOfSquares<T>)               \
  KERNEL(ops::kernel::CountNonFinite<T>)             \
  KERNEL(ops::kernel::Add<T>)
#define VLT_KERNELS_OF_16_BITS(KERNEL, T)           \
  KERNEL(ops::kernel::RmsNorm<float, float, T>)     \
  KERNEL(ops::kernel::RmsNormDx<T, float, float>)   \
  KERNEL(ops::kernel::LayerNorm<float, float, T>)   \
  KERNEL(ops::kernel::LayerNormDx<T, float, float>) \
  KERNEL(ops::kernel::SoftmaxCrossEntropy<T, T>)    \
  KERNEL(ops::kernel::Convert<float, T>)            \
  KERNEL(ops::kernel::Convert<T, float>)            \
  KERNEL(simt::test::TensorCoreProducts<T>)
// Attention is made for each mask and for four sizes of heads; others run in the next larger one. One type has all.
#define VLT_ATTENTION_OF(KERNEL, T, Mask, Dim)                                     \
  KERNEL(ops::kernel::AttentionForward<T, mask::InKernels<mask::Mask>, Dim>)       \
  KERNEL(ops::kernel::AttentionQueryGradient<T, mask::InKernels<mask::Mask>, Dim>) \
  KERNEL(ops::kernel::AttentionKeyGradient<T, mask::InKernels<mask::Mask>, Dim>)
#define VLT_ATTENTION(KERNEL)                       \
  VLT_ATTENTION_OF(KERNEL, bf16, Causal, 64)        \
  VLT_ATTENTION_OF(KERNEL, bf16, Causal, 80)        \
  VLT_ATTENTION_OF(KERNEL, bf16, Causal, 96)        \
  VLT_ATTENTION_OF(KERNEL, bf16, Causal, 128)       \
  VLT_ATTENTION_OF(KERNEL, bf16, Bidirectional, 64) \
  VLT_ATTENTION_OF(KERNEL, bf16, Mmca, 64)          \
  VLT_ATTENTION_OF(KERNEL, bf16, Mmca, 128)         \
  VLT_ATTENTION_OF(KERNEL, f16, Causal, 64)
#define VLT_KERNELS(KERNEL)            \
  VLT_KERNELS_OF(KERNEL, float)        \
  VLT_KERNELS_OF(KERNEL, bf16)         \
  VLT_KERNELS_OF(KERNEL, f16)          \
  VLT_KERNELS_OF_16_BITS(KERNEL, bf16) \
  VLT_KERNELS_OF_16_BITS(KERNEL, f16)  \
  VLT_ATTENTION(KERNEL)                \
  KERNEL(ops::kernel::ColumnSums)      \
  KERNEL(ops::kernel::AddSums)         \
  KERNEL(simt::test::WhoAmI)           \
  KERNEL(simt::test::ReverseBlock)     \
  KERNEL(simt::test::ShuffleLanes)     \
  KERNEL(simt::test::SwapInWarp)       \
  KERNEL(simt::test::AddUp)
