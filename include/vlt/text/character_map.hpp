#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>
#include <vlt/text/tokenizer_fault.hpp>

namespace vlt::text {

// SentencePiece's rules of rewriting characters (precompiled_charsmap): a double-array trie of what is replaced, as
// Darts-clone lays it out in 32-bit units, and behind it the replacements, each ended by a zero.
class CharacterMap {
 public:
  CharacterMap() = default;
  // Exit 4, MODEL-TOK-020, for bytes that are no such map; empty bytes: no rules.
  CharacterMap(std::string_view bytes, const std::string& file) {
    if (bytes.empty()) return;
    const auto refuse = [&] {
      refuse_tokenizer("TOK-020", "the file is damaged: its rules for characters lead nowhere",
                       file + ": normalizer_spec.precompiled_charsmap", "a trie and its replacements",
                       std::to_string(bytes.size()) + " bytes that are none");
    };
    if (bytes.size() < 4) refuse();
    const std::size_t trie = word(bytes, 0);
    if (trie % block != 0 || trie < block || trie > bytes.size() - 4 || bytes.back() != '\0') refuse();
    trie_ = bytes.substr(4, trie);
    replacements_ = bytes.substr(4 + trie);
    if (!sound()) refuse();
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
      if (!has_rule(u)) continue;
      best = {i + 1, std::string_view(replacements_.data() + (unit(node) & ~leaf_bit))};
    }
    return best;
  }

 private:
  static constexpr std::uint32_t leaf_bit = 1u << 31;
  static constexpr std::size_t block = 1024;  // bytes: the units of all children of a node lie in one
  std::string trie_, replacements_;

  static std::uint32_t word(std::string_view bytes, std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value |= std::uint32_t(std::uint8_t(bytes[at + i])) << (8 * i);
    return value;
  }
  std::uint32_t unit(std::size_t i) const { return word(trie_, 4 * i); }
  static std::size_t offset(std::uint32_t unit) { return std::size_t(unit >> 10) << ((unit & 0x200) >> 6); }
  static bool has_rule(std::uint32_t unit) { return (unit >> 8 & 1) != 0; }

  // Does every way through the trie stay in it, and end at a replacement?
  bool sound() const {
    const std::size_t units = trie_.size() / 4;
    std::vector<bool> seen(units);
    std::vector<std::size_t> nodes{offset(unit(0))};
    while (!nodes.empty()) {
      const std::size_t node = nodes.back();
      nodes.pop_back();
      if (node >= units) return false;
      if (seen[node]) continue;
      seen[node] = true;
      for (std::uint32_t letter = 0; letter < 256; ++letter) {
        const std::uint32_t u = unit(node ^ letter);
        if ((u & (leaf_bit | 0xFF)) != letter) continue;
        const std::size_t next = node ^ letter ^ offset(u);
        if (next >= units || (has_rule(u) && (unit(next) & ~leaf_bit) >= replacements_.size())) return false;
        nodes.push_back(next);
      }
    }
    return true;
  }
};

}  // namespace vlt::text
