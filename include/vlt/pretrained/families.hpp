#pragma once
#include <vlt/base/type_list.hpp>
#include <vlt/hub/model_config.hpp>
#include <vlt/nn/pre_norm_block.hpp>

namespace vlt {

// A family of decoders is a type: who reads its config.json, and the block that its decoder repeats. Everything between
// and around the blocks is the same in all of them.
struct LlamaFamily {
  static constexpr const char* name = "llama";
  static hub::FamilyFacts facts() { return hub::llama_facts(); }
  template <IsPolicy P, class Mask> using Block = LlamaBlock<P, Mask>;
};

// The families of this library. CMake's VLT_SFT_FAMILIES says which of them a program can make.
using Families = TypeList<LlamaFamily>;

}  // namespace vlt
