#pragma once
#include <algorithm>
#include <optional>
#include <vector>
#include <vlt/text/aligned_text.hpp>
#include <vlt/text/split_pattern.hpp>
#include <vlt/text/tokenizer_fault.hpp>
#include <vlt/text/tokenizer_file.hpp>
#include <vlt/text/unicode/character_class.hpp>

namespace vlt::text {

// Cuts a text into the words that the model sees one at a time, after perhaps putting a blank or a metaspace before it.
class PreTokenizer {
 public:
  PreTokenizer() = default;
  // Throws MODEL-TOK-011 and 015 for steps that the library cannot do; `file` is for the complaint.
  explicit PreTokenizer(const std::vector<TokenizerFile::PreTokenizer>& steps, const std::string& file = "tokenizer") {
    for (const auto& step : steps) std::visit([&](const auto& s) { add(s, file); }, step);
  }
  bool byte_level() const { return byte_level_; }

  // Calls word(begin, end) with ranges of the rewritten text's view.
  template <class Word> void operator()(AlignedText& text, Word&& word) const {
    if (text.view().empty()) return;
    if (blank_first_ && text.view()[0] != ' ') text.prepend(" ");
    if (metaspace_) open(text, *metaspace_);
    cut(text.view(), 0, text.view().size(), 0, word);
  }

 private:
  using Behavior = TokenizerFile::Behavior;
  // Says where matches are; `behavior` says what becomes of them.
  struct Cut {
    enum class Kind { pattern, literal, digits } kind;
    Behavior behavior;
    bool invert = false;
    std::optional<SplitPattern> pattern = {};
    std::string literal = {};
  };
  std::vector<Cut> cuts_;
  std::optional<TokenizerFile::Metaspace> metaspace_;
  bool blank_first_ = false, byte_level_ = false;
  const CharacterClasses* classes_ = &CharacterClasses::table();

  void add(const TokenizerFile::ByteLevel& s, const std::string& file) {
    if (byte_level_) refuse_after("ByteLevel", "ByteLevel", file);
    if (s.add_prefix_space && (!cuts_.empty() || metaspace_))
      refuse_after("ByteLevel with add_prefix_space", "another one", file);
    blank_first_ = s.add_prefix_space;
    byte_level_ = true;
    if (s.use_regex)
      cuts_.push_back({Cut::Kind::pattern, Behavior::isolated, false, SplitPattern(SplitPattern::Family::gpt2)});
  }
  void add(const TokenizerFile::Split& s, const std::string& file) {
    if (byte_level_) refuse_after("Split", "ByteLevel", file);
    if (s.is_regex)
      cuts_.push_back({Cut::Kind::pattern, s.behavior, s.invert, SplitPattern::from_regex(s.pattern, file)});
    else cuts_.push_back({Cut::Kind::literal, s.behavior, s.invert, {}, s.pattern});
  }
  void add(const TokenizerFile::Digits& s, const std::string& file) {
    if (byte_level_) refuse_after("Digits", "ByteLevel", file);
    cuts_.push_back({Cut::Kind::digits, s.individual ? Behavior::isolated : Behavior::contiguous});
  }
  void add(const TokenizerFile::Metaspace& s, const std::string& file) {
    if (byte_level_ || !cuts_.empty() || metaspace_) refuse_after("Metaspace", "another one", file);
    metaspace_ = s;
    if (s.split) cuts_.push_back({Cut::Kind::literal, Behavior::merged_with_next, false, {}, s.replacement});
  }
  [[noreturn]] static void refuse_after(const std::string& step, const char* other, const std::string& file) {
    refuse_tokenizer("TOK-015", "pre-tokenizer " + step + " after " + other + " is not supported",
                     file + ": $.pre_tokenizer", "another order", std::string(step) + " after " + other);
  }

  static void open(AlignedText& text, const TokenizerFile::Metaspace& m) {
    text.replace(" ", m.replacement);
    if (m.scheme == TokenizerFile::PrependScheme::never || text.view().starts_with(m.replacement)) return;
    if (m.scheme == TokenizerFile::PrependScheme::always || text.begin() == 0) text.prepend(m.replacement);
  }

  // A match or a gap between matches, and where it ends.
  struct Found {
    std::size_t end;
    bool match;
  };
  Found next(const Cut& c, std::string_view text, std::size_t i) const {
    if (c.kind == Cut::Kind::pattern) return {c.pattern->next(text, i), true};
    if (c.kind == Cut::Kind::digits) return next_digit(text, i);
    const std::size_t at = text.find(c.literal, i);
    if (at == i) return {i + c.literal.size(), true};
    return {std::min(at, text.size()), false};
  }
  Found next_digit(std::string_view text, std::size_t i) const {
    const auto numeric = [&](utf8::Character c) { return ((*classes_)[c.code] & CharacterClass::numeric) != 0; };
    const auto first = utf8::at(text, i);
    if (numeric(first)) return {i + first.length, true};
    for (i += first.length; i < text.size();) {
      const auto c = utf8::at(text, i);
      if (numeric(c)) break;
      i += c.length;
    }
    return {i, false};
  }

  // Cuts [b, e) by the rule of this level, and each piece by the next level's.
  template <class Word>
  void cut(std::string_view text, std::size_t b, std::size_t e, std::size_t level, Word&& word) const {
    if (level == cuts_.size()) return word(b, e);
    const Cut& c = cuts_[level];
    const std::string_view part = text.substr(b, e - b);
    const auto deeper = [&](std::size_t from, std::size_t to) {
      if (from < to) cut(text, b + from, b + to, level + 1, word);
    };
    if (c.behavior == Behavior::isolated || c.behavior == Behavior::removed) {
      for (std::size_t i = 0; i < part.size();) {
        const Found f = next(c, part, i);
        if (c.behavior == Behavior::isolated || f.match == c.invert) deeper(i, f.end);
        i = f.end;
      }
      return;
    }
    std::size_t start = 0;  // of the word being gathered
    bool previous = false;
    for (std::size_t i = 0; i < part.size();) {
      const Found f = next(c, part, i);
      const bool match = f.match != c.invert;
      if (!joins(c.behavior, match, previous)) {
        deeper(start, i);
        start = i;
      }
      previous = match;
      i = f.end;
    }
    deeper(start, part.size());
  }
  // Does a match or gap continue the word before it?
  static bool joins(Behavior behavior, bool match, bool previous) {
    switch (behavior) {
      case Behavior::contiguous:
        return match == previous;
      case Behavior::merged_with_previous:
        return match && !previous;
      case Behavior::merged_with_next:
        return !match && previous;
      default:
        return false;
    }
  }
};

}  // namespace vlt::text
