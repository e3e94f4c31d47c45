#pragma once
#include <string>
#include <vlt/base/config.hpp>
#include <vlt/io/file.hpp>

namespace vlt {

// How much the files of a model folder may hold. Programs offer each member as an option, `--limit_` and its name.
// Tokenizers are split by hand-written code that knows expressions by their spelling: no expression engine runs, so
// there is no limit of its steps or its memory.
struct ReadLimits {
  Index header_bytes = 100000000, tensors = 1000000;  // of a safetensors file
  Index tensor_rank = 8, tensor_name_bytes = 1024;
  Index config_bytes = Index(1) << 20;      // of config.json and the other files of settings
  Index tokenizer_bytes = Index(64) << 20;  // of each file of a tokenizer
  Index vocabulary = Index(1) << 22;        // the largest id + 1
  Index split_bytes = 4096;                 // of a tokenizer's split expression

  static std::string at_most(Index limit, const char* unit = "") { return "at most " + std::to_string(limit) + unit; }
  // What a complaint about a member advises.
  static std::string raise(const char* member) {
    return std::string("if the file is as it should be, raise --limit_") + member;
  }
};

// The whole text of a file of settings.
inline std::string read_settings(const File& file, const ReadLimits& limits) {
  return file.read_all(std::uint64_t(limits.config_bytes), ReadLimits::raise("config_bytes"));
}

}  // namespace vlt
