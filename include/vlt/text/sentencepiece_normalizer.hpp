#pragma once
#include <string>
#include <utility>
#include <vector>
#include <vlt/text/aligned_text.hpp>
#include <vlt/text/byte_trie.hpp>
#include <vlt/text/character_map.hpp>
#include <vlt/text/tokenizer_file.hpp>

namespace vlt::text {

// Rewrites a text as SentencePiece does: characters by its rules (user-defined symbols stay as they are), blanks
// collapsed and dropped at both ends, one blank put first, all blanks written as U+2581. What was dropped belongs to
// the character before it.
class SentencePieceNormalizer {
 public:
  SentencePieceNormalizer(const TokenizerFile::SentencePiece& spec, const std::string& file)
      : rules_(spec.charsmap, file),
        dummy_prefix_(spec.add_dummy_prefix),
        collapse_(spec.remove_extra_whitespaces),
        blank_(spec.escape_whitespaces ? "\u2581" : " ") {
    for (const auto& symbol : spec.symbols) symbols_.insert(symbol, 0);
  }

  void operator()(AlignedText& text) const {
    const std::string_view old = text.view();
    std::size_t at = collapse_ ? blanks_at_the_start(old) : 0;
    if (at == old.size()) return text.rewrite({}, {});
    Rewritten out;
    if (dummy_prefix_) out.append(blank_, at);
    bool after_blank = collapse_;
    while (at < old.size()) {
      auto [length, piece] = next(old.substr(at));
      while (after_blank && piece.starts_with(' ')) piece.remove_prefix(1);
      for (const char c : piece) out.append(c == ' ' ? blank_ : std::string_view(&c, 1), at);
      refuse_if_longer(out.text.size(), text.most());
      if (!piece.empty()) after_blank = collapse_ && piece.ends_with(' ');
      at += length;
    }
    while (collapse_ && out.text.ends_with(blank_)) at = out.drop(blank_.size());
    finish(std::move(out), at, text);
  }

 private:
  // The new text, and for each of its bytes the place in the old one from which it was made.
  struct Rewritten {
    std::string text;
    std::vector<std::size_t> from;
    void append(std::string_view bytes, std::size_t at) {
      text += bytes;
      from.resize(text.size(), at);
    }
    std::size_t drop(std::size_t bytes) {
      text.resize(text.size() - bytes);
      const std::size_t at = from[text.size()];
      from.resize(text.size());
      return at;
    }
  };
  CharacterMap rules_;
  ByteTrie symbols_;
  bool dummy_prefix_, collapse_;
  std::string blank_;

  // The next part of the old text, and what it becomes.
  CharacterMap::Rule next(std::string_view text) const {
    if (const auto symbol = symbols_.longest(text, 0); symbol.value >= 0)
      return {symbol.end, text.substr(0, symbol.end)};
    if (const auto rule = rules_.longest(text); rule.length > 0) return rule;
    const std::size_t length = utf8::at(text, 0).length;
    return {length, text.substr(0, length)};
  }
  std::size_t blanks_at_the_start(std::string_view text) const {
    std::size_t at = 0;
    while (at < text.size()) {
      const auto [length, piece] = next(text.substr(at));
      if (piece != " ") break;
      at += length;
    }
    return at;
  }
  // Each byte stands for all from where it was made to where the next different one was, or to `end`.
  static void finish(Rewritten out, std::size_t end, AlignedText& text) {
    std::vector<ByteRange> origins(out.text.size());
    for (std::size_t i = origins.size(), stop = end; i-- > 0;) {
      if (i + 1 < origins.size() && out.from[i] != out.from[i + 1]) stop = out.from[i + 1];
      origins[i] = text.origin(out.from[i], std::max(stop, out.from[i] + 1));
    }
    text.rewrite(std::move(out.text), std::move(origins));
  }
};

}  // namespace vlt::text
