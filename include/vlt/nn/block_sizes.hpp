#pragma once
#include <vlt/base/activation.hpp>
#include <vlt/tensor/rope.hpp>

namespace vlt {

// The run-time sizes of one transformer block.
struct BlockSizes {
  Index width = 0, heads = 0, kv_heads = 0, head_dim = 0, mlp = 0;
  double norm_eps = 1e-5;
  bool qkv_bias = false, output_bias = false, mlp_bias = false;  // LLaMA's attention_bias: the first two; Qwen2: one
  Rope rope;
  Activation activation = Activation::quick_gelu;
};

}  // namespace vlt
