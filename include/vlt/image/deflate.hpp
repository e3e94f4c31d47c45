#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vlt {
namespace deflate {

// Lengths 3 to 258 and distances 1 to 32768 are a symbol and some extra bits (RFC 1951, 3.2.5).
struct Bracket {
  std::uint16_t first;
  std::uint8_t extra_bits;
};
inline constexpr Bracket length_brackets[] = {
    {3, 0},  {4, 0},  {5, 0},  {6, 0},   {7, 0},   {8, 0},   {9, 0},   {10, 0},  {11, 1}, {13, 1},
    {15, 1}, {17, 1}, {19, 2}, {23, 2},  {27, 2},  {31, 2},  {35, 3},  {43, 3},  {51, 3}, {59, 3},
    {67, 4}, {83, 4}, {99, 4}, {115, 4}, {131, 5}, {163, 5}, {195, 5}, {227, 5}, {258, 0}};
inline constexpr Bracket distance_brackets[] = {
    {1, 0},     {2, 0},     {3, 0},     {4, 0},      {5, 1},      {7, 1},     {9, 2},     {13, 2},
    {17, 3},    {25, 3},    {33, 4},    {49, 4},     {65, 5},     {97, 5},    {129, 6},   {193, 6},
    {257, 7},   {385, 7},   {513, 8},   {769, 8},    {1025, 9},   {1537, 9},  {2049, 10}, {3073, 10},
    {4097, 11}, {6145, 11}, {8193, 12}, {12289, 12}, {16385, 13}, {24577, 13}};

template <std::size_t N> std::size_t bracket_of(const Bracket (&brackets)[N], std::size_t value) {
  const auto* after = std::upper_bound(std::begin(brackets), std::end(brackets), value,
                                       [](std::size_t v, const Bracket& b) { return v < b.first; });
  return std::size_t(after - brackets) - 1;
}

// A stream of bits, least significant first, in the fixed Huffman code (RFC 1951, 3.2.6).
class FixedCode {
 public:
  FixedCode() { bits(0b011, 3); }  // the only block, in the fixed code

  void literal(std::uint8_t byte) { symbol(byte); }
  void copy(std::size_t length, std::size_t distance) {
    const std::size_t l = bracket_of(length_brackets, length), d = bracket_of(distance_brackets, distance);
    symbol(unsigned(257 + l));
    bits(std::uint32_t(length - length_brackets[l].first), length_brackets[l].extra_bits);
    code(std::uint32_t(d), 5);
    bits(std::uint32_t(distance - distance_brackets[d].first), distance_brackets[d].extra_bits);
  }
  std::string finish() {
    symbol(256);
    if (count_ > 0) out_.push_back(char(pending_));
    return std::move(out_);
  }

 private:
  std::string out_;
  std::uint32_t pending_ = 0;
  int count_ = 0;  // of pending bits, less than 8 between calls

  void bits(std::uint32_t value, int n) {
    pending_ |= value << count_;
    for (count_ += n; count_ >= 8; count_ -= 8) {
      out_.push_back(char(pending_ & 0xFF));
      pending_ >>= 8;
    }
  }
  // A Huffman code is written from its most significant bit on.
  void code(std::uint32_t value, int n) {
    for (int i = n - 1; i >= 0; --i) bits(value >> i & 1, 1);
  }
  void symbol(unsigned s) {
    if (s < 144) code(0x30 + s, 8);
    else if (s < 256) code(0x190 + s - 144, 9);
    else if (s < 280) code(s - 256, 7);
    else code(0xC0 + s - 280, 8);
  }
};

inline std::uint32_t adler32(std::string_view bytes) {
  std::uint32_t a = 1, b = 0;
  for (const char c : bytes) {
    a = (a + static_cast<unsigned char>(c)) % 65521;
    b = (b + a) % 65521;
  }
  return b << 16 | a;
}

}  // namespace deflate

// Compresses bytes to a zlib stream (RFC 1950). The same bytes give the same stream on every machine: repetitions are
// looked for among the last 32 places with the same three bytes.
inline std::string zlib_compress(std::string_view bytes) {
  constexpr std::size_t window = 32768, longest = 258, shortest = 3, tries = 32, none = std::size_t(-1);
  std::vector<std::size_t> newest(1 << 15, none), older(bytes.size(), none);
  const auto key = [&](std::size_t i) {
    const auto b = [&](std::size_t k) { return std::uint32_t(static_cast<unsigned char>(bytes[i + k])); };
    return std::size_t(((b(0) << 16 | b(1) << 8 | b(2)) * 2654435761u) >> 17);
  };
  const auto remember = [&](std::size_t i) {
    if (i + shortest > bytes.size()) return;
    older[i] = newest[key(i)];
    newest[key(i)] = i;
  };
  deflate::FixedCode code;
  for (std::size_t i = 0; i < bytes.size();) {
    std::size_t best = 0, from = 0;
    const std::size_t limit = std::min(longest, bytes.size() - i);
    std::size_t at = limit < shortest ? none : newest[key(i)];
    for (std::size_t n = 0; at != none && i - at <= window && n < tries && best < limit; ++n, at = older[at]) {
      std::size_t length = 0;
      while (length < limit && bytes[at + length] == bytes[i + length]) ++length;
      if (length > best) best = length, from = at;
    }
    const bool copies = best >= shortest;
    if (copies) code.copy(best, i - from);
    else code.literal(static_cast<std::uint8_t>(bytes[i]));
    for (std::size_t done = copies ? best : 1; done > 0; --done) remember(i++);
  }
  std::string out = "\x78\x01" + code.finish();
  const std::uint32_t sum = deflate::adler32(bytes);
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(char(sum >> shift & 0xFF));
  return out;
}

}  // namespace vlt
