#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>
#include <vlt/text/sentencepiece_model.hpp>

namespace vlt::text {

// What a tokenizer.json or a tokenizer.model says, in plain data: nothing is computed here.
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
  struct SentencePiece {   // how a tokenizer.model rewrites texts
    std::string charsmap;  // its rules for characters; empty: none
    bool add_dummy_prefix, remove_extra_whitespaces, escape_whitespaces;
    std::vector<std::string> symbols;  // user-defined pieces: never rewritten
  };
  using Normalizer = std::variant<Prepend, Replace, Nfc, SentencePiece>;

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
    std::vector<SentencePieceModel::Piece> pieces;  // of a tokenizer.model, by id; they take the place of merges
  };

  std::string name = "tokenizer.json";  // where it was read, for complaints
  std::vector<AddedToken> added;
  std::vector<Normalizer> normalizers;
  std::vector<PreTokenizer> pre_tokenizers;
  std::vector<Decoder> decoders;
  std::vector<std::string> before, after;  // special tokens that the post-processor puts around a text
  Model model;
};

// The largest id + 1: how many rows an embedding needs.
inline std::int32_t vocabulary_size(const TokenizerFile& file) {
  std::int32_t size = 0;
  for (const auto& [token, id] : file.model.vocab) size = std::max(size, id + 1);
  for (const auto& token : file.added) size = std::max(size, token.id + 1);
  return size;
}

// The id that the tokenizers library gives to a token that is added next: its own if the vocabulary has it, else behind
// the added tokens, or behind as many ids as the vocabulary has tokens.
inline std::int32_t next_added_id(const TokenizerFile& file, const std::string& content) {
  const auto& vocab = file.model.vocab;
  const auto known = std::find_if(vocab.begin(), vocab.end(), [&](const auto& v) { return v.first == content; });
  if (known != vocab.end()) return known->second;
  auto next = std::int32_t(vocab.size());
  for (const auto& token : file.added) next = std::max(next, token.id + 1);
  return next;
}

// Adds a special token behind the others; returns its id, whether it was there or not.
inline std::int32_t add_special_token(TokenizerFile& file, const std::string& content) {
  for (const auto& token : file.added)
    if (token.content == content) return token.id;
  TokenizerFile::AddedToken token{next_added_id(file, content), content};
  token.special = true;
  file.added.push_back(std::move(token));
  return file.added.back().id;
}

}  // namespace vlt::text
