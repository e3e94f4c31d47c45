#pragma once
#include <string>
#include <string_view>
#include <vlt/image/preflight_png.hpp>

namespace vlt::test {

// PNG files by hand.
inline std::string word(std::uint32_t v) {
  return {char(v >> 24), char(v >> 16 & 255), char(v >> 8 & 255), char(v & 255)};
}
inline std::string chunk(const std::string& type, const std::string& data) {
  return word(std::uint32_t(data.size())) + type + data + word(image::png::crc(type + data));
}
inline std::string header(std::uint32_t width, std::uint32_t height, int depth = 8, int colour = 2,
                          int interlaced = 0) {
  return chunk("IHDR", word(width) + word(height) + char(depth) + char(colour) + '\0' + '\0' + char(interlaced));
}
inline std::string png_file(const std::string& chunks) { return std::string(image::png::signature) + chunks; }
inline std::string end() { return chunk("IEND", ""); }

// zlib without compression.
inline std::string stored(const std::string& data) {
  std::string out = "\x78\x01";
  std::uint32_t a = 1, b = 0;
  for (const char c : data) a = (a + static_cast<unsigned char>(c)) % 65521, b = (b + a) % 65521;
  for (std::size_t at = 0;; at += 65535) {
    const std::string part = data.substr(at, 65535);
    const bool last = at + 65535 >= data.size();
    out += {char(last), char(part.size() & 255), char(part.size() >> 8), char(~part.size() & 255),
            char(~part.size() >> 8 & 255)};
    out += part;
    if (last) return out + word(b << 16 | a);
  }
}
// A short zlib stream of a great many zeros: matches of 258 bytes at distance 1, 13 bits each.
inline std::string zeros(std::size_t bytes) {
  std::string out = "\x78\x01";
  std::uint32_t bits = 0;
  int count = 0;
  const auto put = [&](std::uint32_t value, int n) {
    for (bits |= value << count, count += n; count >= 8; bits >>= 8, count -= 8) out += char(bits & 255);
  };
  put(1, 1), put(1, 2);  // last block, fixed codes
  put(0b00001100, 8);    // the literal 0, code 00110000, first bit first
  for (std::size_t n = 0; n < bytes; n += 258) put(0b10100011, 8), put(0, 5);
  put(0, 7), put(0, 7);  // end of block, and to the next byte
  return out + word(0);
}

}  // namespace vlt::test
