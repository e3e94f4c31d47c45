#pragma once
#include <vlt/models/llama.hpp>
#include <vlt/nn/checkpoint.hpp>
#include <vlt/pretrained/families.hpp>
#include <vlt/pretrained/model_kinds.hpp>

// The body of make_language: only files that instantiate a kind include this.
namespace vlt {

template <IsPolicy P, class Family, MaskKind M>
AnyLanguage<typename P::trainable> make_language(const LlamaSizes& sizes, bool checkpoint) {
  using Any = AnyLanguage<typename P::trainable>;
  using Block = typename Family::template Block<P, mask_t<M>>;
  if (checkpoint) return Any(LlamaDecoder<P, Checkpoint<Block>>(sizes));
  return Any(LlamaDecoder<P, Block>(sizes));
}

}  // namespace vlt
