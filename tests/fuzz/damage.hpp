#pragma once
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace vlt::fuzz {

// Damages inputs, the same way for the same number: flips, cuts, repetitions, digits, tokens of the format, and parts
// of other inputs.
class Damage {
 public:
  Damage(std::vector<std::string> inputs, std::string_view tokens) : inputs_(std::move(inputs)) {
    for (std::size_t at = 0; at < tokens.size();) {
      const std::size_t end = std::min(tokens.find(' ', at), tokens.size());
      if (end > at) tokens_.emplace_back(tokens.substr(at, end - at));
      at = end + 1;
    }
  }

  std::string operator()(std::uint64_t seed, std::uint64_t number) const {
    std::seed_seq sequence{seed, seed >> 32, number, number >> 32};
    std::mt19937_64 random(sequence);
    std::string bytes = inputs_[random() % inputs_.size()];
    for (std::uint64_t n = 1 + random() % (random() % 4 == 0 ? 32 : 4); n > 0; --n) once(bytes, random);
    if (bytes.size() > most_bytes) bytes.resize(most_bytes);
    return bytes;
  }

 private:
  static constexpr std::size_t most_bytes = 1 << 16;
  std::vector<std::string> inputs_, tokens_;

  void once(std::string& s, std::mt19937_64& random) const {
    const auto place = [&](const std::string& in) { return std::size_t(random() % (in.size() + 1)); };
    const auto byte = [&]() -> char& { return s[std::size_t(random() % s.size())]; };
    if (s.empty()) s.push_back(char(random()));
    switch (random() % 9) {
      case 0:
        byte() ^= char(1 << random() % 8);
        break;
      case 1:
        byte() = char(random());
        break;
      case 2:
        byte() = char(random() % 2 ? '0' + random() % 10 : "\0\x01\x7f\x80\xff"[random() % 5]);
        break;
      case 3:
        s.erase(place(s), 1 + std::size_t(random() % 16));
        break;
      case 4:
        s.resize(place(s));
        break;
      case 5: {
        const std::string part = s.substr(place(s), std::size_t(random() % 64));
        const std::uint64_t times = random() % 8 == 0 ? random() % 100 : 1;
        for (std::uint64_t n = 0; n < times; ++n) s.insert(place(s), part);
        break;
      }
      case 6: {
        const std::string& other = inputs_[random() % inputs_.size()];
        s.insert(place(s), other.substr(place(other), std::size_t(random() % 256)));
        break;
      }
      default:
        if (!tokens_.empty()) s.insert(place(s), tokens_[random() % tokens_.size()]);
        else s.insert(place(s), 1, char(random()));
    }
  }
};

}  // namespace vlt::fuzz
