#pragma once
#include <vlt/io/read_limits.hpp>
#include <vlt/options/option_table.hpp>

namespace vlt {

// The limits of a model folder as rows of a program whose options `O` are ReadLimits and more.
template <class O> void add_read_limits(OptionTable<O>& t) {
  const auto limit = [&t](const char* name, Index ReadLimits::*field, const char* meaning) -> OptionRow<O>& {
    return t.add(name, static_cast<Index O::*>(field), meaning).from(1);
  };
  limit("limit_header_bytes", &ReadLimits::header_bytes, "Bytes of a safetensors file's header.");
  limit("limit_tensors", &ReadLimits::tensors, "Tensors of a safetensors file.");
  limit("limit_tensor_rank", &ReadLimits::tensor_rank, "Dimensions of a tensor.");
  limit("limit_tensor_name_bytes", &ReadLimits::tensor_name_bytes, "Bytes of a tensor's name.");
  limit("limit_config_bytes", &ReadLimits::config_bytes,
        "Bytes of a model folder's config.json and of its other files of settings.");
  limit("limit_tokenizer_bytes", &ReadLimits::tokenizer_bytes, "Bytes of each file of a tokenizer.");
  limit("limit_vocabulary", &ReadLimits::vocabulary, "A tokenizer's largest id + 1.").to(2147483647);
  limit(
      "limit_split_bytes", &ReadLimits::split_bytes,
      "Bytes of a tokenizer's split expression. Known expressions are told by their spelling and no expression engine "
      "runs, so there are no limits of matching.");
}

}  // namespace vlt
