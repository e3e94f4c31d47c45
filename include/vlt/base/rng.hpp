#pragma once
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <string_view>

namespace vlt {

// Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel Random Numbers: As Easy as 1, 2, 3; 2011): four random words from
// a counter and a key. No state: the same arguments give the same words, in any order and on any thread.
inline std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t(0xD2511F53) * counter[0], b = std::uint64_t(0xCD9E8D57) * counter[2];
    counter = {std::uint32_t(b >> 32) ^ counter[1] ^ key[0], std::uint32_t(b),
               std::uint32_t(a >> 32) ^ counter[3] ^ key[1], std::uint32_t(a)};
    key[0] += 0x9E3779B9, key[1] += 0xBB67AE85;
  }
  return counter;
}

// A sequence of random numbers that is named, not drawn: number i of stream s under a seed is always the same.
struct RandomStream {
  std::uint64_t seed = 0, stream = 0;

  std::array<std::uint32_t, 4> words(std::uint64_t i) const {
    return philox({std::uint32_t(i), std::uint32_t(i >> 32), std::uint32_t(stream), std::uint32_t(stream >> 32)},
                  {std::uint32_t(seed), std::uint32_t(seed >> 32)});
  }
  // In [0, 1), a multiple of 2^-53.
  double uniform(std::uint64_t i) const {
    const auto w = words(i);
    return double((std::uint64_t(w[0]) << 32 | w[1]) >> 11) * 0x1p-53;
  }
  // Mean 0, variance 1 (Box, Muller 1958).
  double normal(std::uint64_t i) const {
    const auto w = words(i);
    const auto open = [](std::uint32_t word) { return (double(word) + 0.5) * 0x1p-32; };
    return std::sqrt(-2 * std::log(open(w[0]))) * std::cos(2 * std::numbers::pi * open(w[1]));
  }
  // An integer in [0, n), n > 0; all equally likely up to 2^-64.
  std::uint64_t below(std::uint64_t i, std::uint64_t n) const {
    const auto w = words(i);
    __extension__ using Wide = unsigned __int128;
    return std::uint64_t(Wide(std::uint64_t(w[0]) << 32 | w[1]) * n >> 64);
  }
};

// A number for a name (FNV-1a, 64 bit), to be a stream's: the same on every machine.
constexpr std::uint64_t stream_of(std::string_view name) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : name) hash = (hash ^ std::uint8_t(c)) * 0x100000001b3;
  return hash;
}

}  // namespace vlt
