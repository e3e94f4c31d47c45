#pragma once
#include <algorithm>
#include <string>
#include <utility>
#include <vector>
#include <vlt/text/aligned_text.hpp>
#include <vlt/text/byte_trie.hpp>
#include <vlt/text/tokenizer_file.hpp>
#include <vlt/text/unicode/character_class.hpp>

namespace vlt::text {

// A stretch of text that is one added token (id >= 0) or ordinary text (id < 0).
struct Stretch {
  std::int32_t id;
  ByteRange range;
};

// The tokens that are found in the text before anything else happens to it.
class AddedTokens {
 public:
  enum class Which { all, ordinary, special };  // ordinary: a special token's look-alike is plain text

  // `spelling`: the token's content after the normalizer.
  void add(TokenizerFile::AddedToken token, const std::string& spelling) {
    const auto index = std::int32_t(tokens_.size());
    if (token.normalized) normalized_.insert(spelling, index);
    else verbatim_.insert(token.content, index);
    tokens_.push_back(std::move(token));
  }
  const std::vector<TokenizerFile::AddedToken>& tokens() const { return tokens_; }

  // Covers the whole text, left to right. Two passes exist: before the normalizer, and after it for tokens that want to
  // be looked for in normalized text.
  std::vector<Stretch> split_verbatim(std::string_view text, Which which) const {
    return split(text, verbatim_, which);
  }
  std::vector<Stretch> split_normalized(std::string_view text, Which which) const {
    return split(text, normalized_, which);
  }

 private:
  std::vector<TokenizerFile::AddedToken> tokens_;
  ByteTrie verbatim_, normalized_;
  const CharacterClasses* classes_ = &CharacterClasses::table();

  std::vector<Stretch> split(std::string_view text, const ByteTrie& trie, Which which) const {
    std::vector<Stretch> out;
    std::size_t done = 0;
    for (std::size_t i = 0; !trie.empty() && i < text.size();) {
      const auto [index, end] = trie.longest(text, i);
      if (index < 0) {
        ++i;
        continue;
      }
      const auto& token = tokens_[std::size_t(index)];
      const std::size_t found = std::exchange(i, end);  // a match that is not taken is still passed over
      if (which != Which::all && token.special != (which == Which::special)) continue;
      if (token.single_word && touches_a_word(text, found, end)) continue;
      const std::size_t begin = token.lstrip ? before_spaces(text, found, done) : std::max(found, done);
      const std::size_t stop = token.rstrip ? after_spaces(text, end) : end;
      if (done < begin) out.push_back({-1, range(done, begin)});
      out.push_back({token.id, range(begin, stop)});
      done = stop;
    }
    if (done < text.size()) out.push_back({-1, range(done, text.size())});
    return out;
  }
  bool touches_a_word(std::string_view text, std::size_t begin, std::size_t end) const {
    const auto in_word = [&](utf8::Character c) { return ((*classes_)[c.code] & CharacterClass::word) != 0; };
    return (begin > 0 && in_word(utf8::before(text, begin))) || (end < text.size() && in_word(utf8::at(text, end)));
  }
  // Where the white space before i begins, but not before `least`.
  std::size_t before_spaces(std::string_view text, std::size_t i, std::size_t least) const {
    while (i > least) {
      const auto c = utf8::before(text, i);
      if (((*classes_)[c.code] & CharacterClass::blank) == 0) break;
      i -= c.length;
    }
    return std::max(i, least);
  }
  std::size_t after_spaces(std::string_view text, std::size_t i) const {
    while (i < text.size()) {
      const auto c = utf8::at(text, i);
      if (((*classes_)[c.code] & CharacterClass::blank) == 0) break;
      i += c.length;
    }
    return i;
  }
  static ByteRange range(std::size_t b, std::size_t e) { return {std::uint32_t(b), std::uint32_t(e)}; }
};

}  // namespace vlt::text
