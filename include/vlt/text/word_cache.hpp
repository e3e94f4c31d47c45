#pragma once
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace vlt::text {

// A token and how many bytes of its word it covers.
struct WordToken {
  std::int32_t id;
  std::uint32_t length;
};

// Remembers how recent short words were tokenised: four places for each hash, the oldest is overwritten. Bounded in
// memory and time, whatever the text.
class WordCache {
 public:
  static constexpr std::size_t longest = 64;  // bytes

  explicit WordCache(std::size_t sets = 1 << 13) : slots_(sets * ways), next_(sets) {}

  const std::vector<WordToken>* find(std::string_view word) const {
    const std::uint64_t h = hash(word);
    const Slot* s = &slots_[set(h) * ways];
    for (std::size_t i = 0; i < ways; ++i)
      if (s[i].hash == h && s[i].word == word) return &s[i].tokens;
    return nullptr;
  }
  void store(std::string_view word, const std::vector<WordToken>& tokens) {
    const std::uint64_t h = hash(word);
    slots_[set(h) * ways + next_[set(h)]++ % ways] = {h, std::string(word), tokens};
  }

 private:
  static constexpr std::size_t ways = 4;
  struct Slot {
    std::uint64_t hash = 0;
    std::string word;
    std::vector<WordToken> tokens;
  };
  std::vector<Slot> slots_;
  std::vector<std::uint8_t> next_;

  std::size_t set(std::uint64_t h) const { return std::size_t(h >> 20) % next_.size(); }
  static std::uint64_t hash(std::string_view s) {
    std::uint64_t h = 0x9E3779B97F4A7C15u ^ s.size();
    std::size_t i = 0;
    const auto mix = [&](std::uint64_t v) { h = (h ^ v) * 0xD6E8FEB86659FD93u, h ^= h >> 32; };
    for (std::uint64_t v; i + 8 <= s.size(); i += 8) std::memcpy(&v, s.data() + i, 8), mix(v);
    std::uint64_t rest = 0;
    std::memcpy(&rest, s.data() + i, s.size() - i);
    mix(rest);
    return h;
  }
};

}  // namespace vlt::text
