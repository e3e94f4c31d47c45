#pragma once
#include <string>
#include <unordered_map>
#include <vector>
#include <vlt/data/aligned_text.hpp>
#include <vlt/data/character_class.hpp>
#include <vlt/io/tokenizer_file.hpp>

namespace vlt {

// A trie over bytes that finds the longest of its words starting at a place.
class ByteTrie {
 public:
  ByteTrie() : nodes_(1) {}
  bool empty() const { return nodes_.size() == 1; }

  void insert(std::string_view word, std::int32_t value) {
    std::int32_t node = 0;
    for (const char c : word) {
      const auto [at, added] = children_.try_emplace(key(node, c), std::int32_t(nodes_.size()));
      if (added) nodes_.push_back(-1), starts_[static_cast<unsigned char>(word[0])] = true;
      node = at->second;
    }
    nodes_[std::size_t(node)] = value;
  }
  struct Found {
    std::int32_t value = -1;
    std::size_t end = 0;
  };
  Found longest(std::string_view text, std::size_t i) const {
    Found found;
    if (!starts_[static_cast<unsigned char>(text[i])]) return found;
    std::int32_t node = 0;
    for (std::size_t k = i; k < text.size(); ++k) {
      const auto child = children_.find(key(node, text[k]));
      if (child == children_.end()) break;
      node = child->second;
      if (const std::int32_t v = nodes_[std::size_t(node)]; v >= 0) found = {v, k + 1};
    }
    return found;
  }

 private:
  std::vector<std::int32_t> nodes_ = {};  // the value of the word that ends here, or -1
  std::unordered_map<std::uint64_t, std::int32_t> children_;
  bool starts_[256] = {};

  static std::uint64_t key(std::int32_t node, char c) {
    return std::uint64_t(node) << 8 | static_cast<unsigned char>(c);
  }
};

// A stretch of text that is one added token (id >= 0) or ordinary text (id < 0).
struct Stretch {
  std::int32_t id;
  ByteRange range;
};

// The tokens that are found in the text before anything else happens to it.
class AddedTokens {
 public:
  enum class Which { all, ordinary, special };  // ordinary: a special token's look-alike is plain text

  void add(TokenizerFile::AddedToken token, const std::string& spelling) {
    const auto index = std::int32_t(tokens_.size());
    (token.normalized ? normalized_ : verbatim_).insert(token.normalized ? spelling : token.content, index);
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

  std::vector<Stretch> split(std::string_view text, const ByteTrie& trie, Which which) const {
    const CharacterClasses& classes = CharacterClasses::table();
    std::vector<Stretch> out;
    std::size_t done = 0;
    for (std::size_t i = 0; !trie.empty() && i < text.size();) {
      const auto [index, end] = trie.longest(text, i);
      if (index < 0) {
        ++i;
        continue;
      }
      const auto& token = tokens_[std::size_t(index)];
      std::size_t begin = i, stop = end;
      i = end;  // a match that is not taken is still passed over
      if (which != Which::all && token.special != (which == Which::special)) continue;
      if (token.single_word && begin > 0 && classes[utf8::before(text, begin).code] & word) continue;
      if (token.single_word && stop < text.size() && classes[utf8::at(text, stop).code] & word) continue;
      if (token.lstrip)
        while (begin > done) {
          const auto c = utf8::before(text, begin);
          if (!(classes[c.code] & blank)) break;
          begin -= c.length;
        }
      if (token.rstrip)
        while (stop < text.size()) {
          const auto c = utf8::at(text, stop);
          if (!(classes[c.code] & blank)) break;
          stop += c.length;
        }
      begin = std::max(begin, done);
      if (done < begin) out.push_back({-1, range(done, begin)});
      out.push_back({token.id, range(begin, stop)});
      done = stop;
    }
    if (done < text.size()) out.push_back({-1, range(done, text.size())});
    return out;
  }
  static ByteRange range(std::size_t b, std::size_t e) { return {std::uint32_t(b), std::uint32_t(e)}; }
};

}  // namespace vlt
