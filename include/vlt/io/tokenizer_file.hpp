#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace vlt {

// What a tokenizer.json says, in plain data: nothing is computed here.
struct TokenizerFile {
  struct AddedToken {
    std::int32_t id = 0;
    std::string content;
    bool single_word = false, lstrip = false, rstrip = false, normalized = false, special = false;
  };

  struct Prepend {
    std::string text;
  };
  struct Replace {
    std::string from, to;
  };
  struct Nfc {};
  using Normalizer = std::variant<Prepend, Replace, Nfc>;

  enum class Behavior { removed, isolated, merged_with_previous, merged_with_next, contiguous };
  enum class PrependScheme { first, always, never };
  struct ByteLevel {
    bool add_prefix_space = true, use_regex = true;
  };
  struct Split {
    std::string pattern;
    bool is_regex = true;
    Behavior behavior = Behavior::isolated;
    bool invert = false;
  };
  struct Digits {
    bool individual = false;
  };
  struct Metaspace {
    std::string replacement;
    PrependScheme scheme = PrependScheme::always;
    bool split = true;
  };
  using PreTokenizer = std::variant<ByteLevel, Split, Digits, Metaspace>;

  struct ByteFallback {};
  struct Fuse {};
  struct Strip {
    std::string content;
    std::size_t start = 0, stop = 0;
  };
  using Decoder = std::variant<ByteLevel, Replace, ByteFallback, Fuse, Strip, Metaspace>;

  struct Model {
    std::vector<std::pair<std::string, std::int32_t>> vocab;
    std::vector<std::array<std::string, 2>> merges;
    std::string unk_token;  // empty: none
    bool byte_fallback = false, fuse_unk = false, ignore_merges = false;
  };

  std::vector<AddedToken> added;
  std::vector<Normalizer> normalizers;
  std::vector<PreTokenizer> pre_tokenizers;
  std::vector<Decoder> decoders;
  std::vector<std::string> before, after;  // special tokens that the post-processor puts around a text
  Model model;
};

}  // namespace vlt
