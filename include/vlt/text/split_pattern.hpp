#pragma once
#include <cstddef>
#include <string_view>
#include <vlt/base/quoted.hpp>
#include <vlt/base/utf8.hpp>
#include <vlt/text/tokenizer_fault.hpp>
#include <vlt/text/unicode/character_class.hpp>

namespace vlt::text {

// The split expressions of the supported tokenizer families, by hand: each takes linear time, needs no stack, and tiles
// the text completely. Alternatives in the order in which the expression tries them:
//   gpt2     's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
//   llama_3  (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*
//            |\s*[\r\n]+|\s+(?!\S)|\s+
//   qwen_2   the same with \p{N} for \p{N}{1,3}
class SplitPattern {
 public:
  enum class Family { gpt2, llama_3, qwen_2 };

  explicit SplitPattern(Family family) : family_(family) {}

  // The pattern that a tokenizer.json spells this way; any other is refused by name (exit 4). `file` is for the
  // complaint.
  static SplitPattern from_regex(std::string_view regex, const std::string& file) {
    for (const auto& [spelling, family] : spellings)
      if (regex == spelling) return SplitPattern(family);
    refuse_tokenizer("TOK-011", "the split expression " + quoted(regex) + " is not supported",
                     file + ": $.pre_tokenizer", "the expression of GPT-2, LLaMA 3 or Qwen 2, letter by letter",
                     quoted(regex, 400));
  }

  // The end of the match that starts at i.
  std::size_t next(std::string_view text, std::size_t i) const {
    return family_ == Family::gpt2 ? next_gpt2(text, i) : next_llama_3(text, i);
  }

 private:
  using Class = CharacterClass;
  struct Spelling {
    std::string_view regex;
    Family family;
  };
  static constexpr Spelling spellings[] = {
      {R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)", Family::gpt2},
      {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3})"
       R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
       Family::llama_3},
      {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N})"
       R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
       Family::qwen_2}};
  static constexpr std::uint8_t any = Class::letter | Class::number | Class::blank;

  Family family_;
  const CharacterClasses* classes_ = &CharacterClasses::table();

  struct Seen {
    std::uint32_t code, length;
    std::uint8_t kind;  // letter, number, blank or 0
  };
  Seen look(std::string_view text, std::size_t i) const {
    const auto c = utf8::at(text, i);
    return {c.code, c.length, std::uint8_t((*classes_)[c.code] & any)};
  }
  std::size_t run(std::string_view text, std::size_t i, std::uint8_t kind) const {
    while (i < text.size()) {
      const Seen c = look(text, i);
      if (c.kind != kind) break;
      i += c.length;
    }
    return i;
  }

  // 's and its kin, or i. Ignoring case, U+017F is an s as well.
  static std::size_t contraction(std::string_view text, std::size_t i, bool ignore_case) {
    const auto lower = [&](std::size_t k) {
      const char c = k < text.size() ? text[k] : '\0';
      return ignore_case && c >= 'A' && c <= 'Z' ? char(c + 32) : c;
    };
    const char a = lower(i + 1), b = lower(i + 2);
    if (a == 's' || a == 't' || a == 'm' || a == 'd') return i + 2;
    if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l')) return i + 3;
    if (ignore_case && text.substr(i + 1, 2) == "\xC5\xBF") return i + 3;
    return i;
  }

  // \s+(?!\S)|\s+ : all of a run that ends the text, else all but its last character, else that one.
  std::size_t white(std::string_view text, std::size_t i) const {
    const std::size_t end = run(text, i, Class::blank);
    if (end == text.size()) return end;
    const std::size_t last = end - utf8::before(text, end).length;
    return last > i ? last : end;
  }

  std::size_t next_gpt2(std::string_view text, std::size_t i) const {
    if (text[i] == '\'')
      if (const std::size_t end = contraction(text, i, false); end > i) return end;
    const std::size_t start = text[i] == ' ' && i + 1 < text.size() ? i + 1 : i;
    const Seen c = look(text, start);
    if (c.kind != Class::blank) return run(text, start + c.length, c.kind);
    return white(text, i);
  }

  std::size_t next_llama_3(std::string_view text, std::size_t i) const {
    if (text[i] == '\'')
      if (const std::size_t end = contraction(text, i, true); end > i) return end;
    const Seen c = look(text, i);
    const std::size_t after = i + c.length;
    if (c.kind == Class::letter) return run(text, after, Class::letter);
    if (c.kind == Class::number) return digits(text, after);
    if (c.code != '\r' && c.code != '\n' && after < text.size())
      if (const Seen d = look(text, after); d.kind == Class::letter) return run(text, after + d.length, Class::letter);
    if (c.kind == 0) return newlines(text, run(text, after, 0));
    if (c.code == ' ' && after < text.size())
      if (const Seen d = look(text, after); d.kind == 0) return newlines(text, run(text, after + d.length, 0));
    const std::size_t end = run(text, after, Class::blank);  // \s*[\r\n]+ : up to the last newline of the run
    for (std::size_t k = end; k > i; --k)
      if (text[k - 1] == '\r' || text[k - 1] == '\n') return k;
    return white(text, i);
  }
  std::size_t digits(std::string_view text, std::size_t i) const {
    for (int n = family_ == Family::qwen_2 ? 1 : 3; n > 1 && i < text.size(); --n) {
      const Seen c = look(text, i);
      if (c.kind != Class::number) break;
      i += c.length;
    }
    return i;
  }
  static std::size_t newlines(std::string_view text, std::size_t i) {
    while (i < text.size() && (text[i] == '\r' || text[i] == '\n')) ++i;
    return i;
  }
};

}  // namespace vlt::text
