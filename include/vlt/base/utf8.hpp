#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vlt::utf8 {

// One character: its code point and how many bytes it has.
struct Character {
  std::uint32_t code;
  std::uint32_t length;
};

inline bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// The character at p. The text must be valid UTF-8: `invalid_byte` is asked once, at the border.
inline Character at(const char* p) {
  const auto byte = [&](int i) { return std::uint32_t(static_cast<unsigned char>(p[i])); };
  const std::uint32_t b = byte(0);
  if (b < 0x80) return {b, 1};
  if (b < 0xE0) return {(b & 0x1F) << 6 | (byte(1) & 0x3F), 2};
  if (b < 0xF0) return {(b & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F), 3};
  return {(b & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F), 4};
}
inline Character at(std::string_view text, std::size_t i) { return at(text.data() + i); }

// The character that ends at i > 0.
inline Character before(std::string_view text, std::size_t i) {
  do --i;
  while (continues(text[i]));
  return at(text, i);
}

inline void append(std::string& s, std::uint32_t code) {
  const auto last_six = [&](int shift) { s.push_back(char(0x80 | (code >> shift & 0x3F))); };
  if (code < 0x80) {
    s.push_back(char(code));
  } else if (code < 0x800) {
    s.push_back(char(0xC0 | code >> 6));
    last_six(0);
  } else if (code < 0x10000) {
    s.push_back(char(0xE0 | code >> 12));
    last_six(6), last_six(0);
  } else {
    s.push_back(char(0xF0 | code >> 18));
    last_six(12), last_six(6), last_six(0);
  }
}

// How many bytes at i form one valid character; if none do, how many belong to the broken one, negated (the Unicode
// standard's "maximal subpart").
inline int valid_length(std::string_view text, std::size_t i) {
  const auto byte = [&](std::size_t k) { return i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0; };
  const int b = byte(0);
  if (b < 0x80) return 1;
  if (b < 0xC2 || b > 0xF4) return -1;
  const int low = b == 0xE0 ? 0xA0 : b == 0xF0 ? 0x90 : 0x80, high = b == 0xED ? 0x9F : b == 0xF4 ? 0x8F : 0xBF;
  if (byte(1) < low || byte(1) > high) return -1;
  if (b < 0xE0) return 2;
  if ((byte(2) & 0xC0) != 0x80) return -2;
  if (b < 0xF0) return 3;
  return (byte(3) & 0xC0) == 0x80 ? 4 : -3;
}

// The place of the first byte that is not UTF-8; nothing if the whole text is.
inline std::optional<std::size_t> invalid_byte(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const int n = valid_length(text, i);
    if (n < 0) return i;
    i += std::size_t(n);
  }
  return std::nullopt;
}

// Every broken character becomes one U+FFFD, as Rust and Python do it.
inline std::string repaired(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const int n = valid_length(text, i);
    if (n > 0) out.append(text, i, std::size_t(n));
    else out += "\xEF\xBF\xBD";
    i += std::size_t(n > 0 ? n : -n);
  }
  return out;
}

}  // namespace vlt::utf8
