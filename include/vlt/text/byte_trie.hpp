#pragma once
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace vlt::text {

// A set of byte strings that finds the longest of them starting at a place of a text.
class ByteTrie {
 public:
  ByteTrie() : values_(1, none) {}
  bool empty() const { return values_.size() == 1; }

  // value >= 0 is what `longest` returns for this word.
  void insert(std::string_view word, std::int32_t value) {
    std::int32_t node = 0;
    for (const char c : word) {
      const auto [at, added] = children_.try_emplace(key(node, c), std::int32_t(values_.size()));
      if (added) values_.push_back(none);
      node = at->second;
    }
    values_[std::size_t(node)] = value;
    if (!word.empty()) starts_[static_cast<unsigned char>(word[0])] = true;
  }

  struct Found {
    std::int32_t value = none;
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
      if (const std::int32_t v = values_[std::size_t(node)]; v != none) found = {v, k + 1};
    }
    return found;
  }

 private:
  static constexpr std::int32_t none = -1;
  std::vector<std::int32_t> values_;  // by node: the value of the word that ends here
  std::unordered_map<std::uint64_t, std::int32_t> children_;
  bool starts_[256] = {};

  static std::uint64_t key(std::int32_t node, char c) {
    return std::uint64_t(node) << 8 | static_cast<unsigned char>(c);
  }
};

}  // namespace vlt::text
