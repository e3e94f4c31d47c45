#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vlt/io/tokenizer_fault.hpp>

namespace vlt {

// SentencePiece's rules of rewriting characters (precompiled_charsmap): a double-array trie of what is replaced, as
// Darts-clone lays it out in 32-bit units, and behind it the replacements, each ended by a zero.
class CharacterMap {
 public:
  CharacterMap() = default;
  // Exit 4, MODEL-TOK-020, for bytes that are no such map; empty bytes: no rules.
  CharacterMap(std::string_view bytes, const std::string& file) {
    if (bytes.empty()) return;
    const auto refuse = [&] {
      refuse_tokenizer("TOK-020", "the file is damaged: its rules for characters are cut off",
                       file + ": normalizer_spec.precompiled_charsmap", "a trie and its replacements");
    };
    if (bytes.size() < 4) refuse();
    const std::size_t trie = word(bytes, 0);
    if (trie % 4 != 0 || trie < 1024 || trie > bytes.size() - 4 || bytes.back() != '\0') refuse();
    trie_ = bytes.substr(4, trie);
    replacements_ = bytes.substr(4 + trie);
  }

  // The longest rule that fits a text's beginning; length 0: none does.
  struct Rule {
    std::size_t length = 0;
    std::string_view replacement;
  };
  Rule longest(std::string_view text) const {
    Rule best;
    if (trie_.empty()) return best;
    std::size_t node = offset(unit(0));
    for (std::size_t i = 0; i < text.size(); ++i) {
      const auto letter = std::uint8_t(text[i]);
      node ^= letter;
      const std::uint32_t u = unit(node);
      if ((u & (leaf_bit | 0xFF)) != letter) break;
      node ^= offset(u);
      if ((u >> 8 & 1) == 0) continue;
      const std::size_t at = unit(node) & ~leaf_bit;
      if (at < replacements_.size()) best = {i + 1, std::string_view(replacements_.data() + at)};
    }
    return best;
  }

 private:
  static constexpr std::uint32_t leaf_bit = 1u << 31;
  std::string trie_, replacements_;

  static std::uint32_t word(std::string_view bytes, std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value |= std::uint32_t(std::uint8_t(bytes[at + i])) << (8 * i);
    return value;
  }
  // A unit beyond the trie's end, where only a damaged file leads, has no children.
  std::uint32_t unit(std::size_t i) const { return i < trie_.size() / 4 ? word(trie_, 4 * i) : leaf_bit; }
  static std::size_t offset(std::uint32_t unit) { return std::size_t(unit >> 10) << ((unit & 0x200) >> 6); }
};

}  // namespace vlt
