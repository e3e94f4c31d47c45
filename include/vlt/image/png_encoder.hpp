#pragma once
#include <array>
#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>
#include <vlt/image/deflate.hpp>
#include <vlt/image/image.hpp>

namespace vlt {
namespace png {

inline std::uint32_t crc32(std::string_view bytes) {
  static constexpr std::array<std::uint32_t, 256> table = [] {
    std::array<std::uint32_t, 256> t{};
    for (std::uint32_t n = 0; n < 256; ++n) {
      t[n] = n;
      for (int k = 0; k < 8; ++k) t[n] = t[n] & 1 ? 0xEDB88320u ^ t[n] >> 1 : t[n] >> 1;
    }
    return t;
  }();
  std::uint32_t c = 0xFFFFFFFFu;
  for (const char b : bytes) c = table[(c ^ static_cast<unsigned char>(b)) & 0xFF] ^ c >> 8;
  return ~c;
}

inline void append_big_endian(std::string& to, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) to.push_back(char(value >> shift & 0xFF));
}

// Length, name, content, checksum.
inline void append_chunk(std::string& to, std::string_view name, std::string_view content) {
  append_big_endian(to, std::uint32_t(content.size()));
  const std::string checked = std::string(name) + std::string(content);
  to += checked;
  append_big_endian(to, crc32(checked));
}

// What the bytes left of, above, and above left of a byte predict for it (PNG, 9.4).
inline int paeth(int left, int above, int corner) {
  const int guess = left + above - corner;
  const int to_left = std::abs(guess - left), to_above = std::abs(guess - above), to_corner = std::abs(guess - corner);
  if (to_left <= to_above && to_left <= to_corner) return left;
  return to_above <= to_corner ? above : corner;
}

// A row as differences from its neighbours; `above` is null for the first row.
inline std::string filtered(const std::uint8_t* row, const std::uint8_t* above, int bytes, int filter) {
  std::string out(1, char(filter));
  for (int i = 0; i < bytes; ++i) {
    const int left = i < Image::channels ? 0 : row[i - Image::channels], up = above ? above[i] : 0;
    const int corner = i < Image::channels || !above ? 0 : above[i - Image::channels];
    const int predicted[] = {0, left, up, (left + up) / 2, paeth(left, up, corner)};
    out.push_back(char(row[i] - predicted[filter]));
  }
  return out;
}

}  // namespace png

// An image as the bytes of a PNG file. They depend on the pixels only, not on the machine or a library's version.
inline std::string encode_png(const Image& image) {
  require(image.width > 0 && image.height > 0, "encode_png: an image has at least one pixel");
  const int bytes = image.width * Image::channels;
  std::string rows;
  for (int y = 0; y < image.height; ++y) {
    std::string best;
    long least = std::numeric_limits<long>::max();
    for (int filter = 0; filter < 5; ++filter) {
      std::string row = png::filtered(image.row(y), y > 0 ? image.row(y - 1) : nullptr, bytes, filter);
      long size = 0;  // the sum of absolute differences: small rows compress well (PNG, 12.8)
      for (const char c : row) size += std::abs(static_cast<signed char>(c));
      if (size < least) least = size, best = std::move(row);
    }
    rows += best;
  }
  std::string header;
  png::append_big_endian(header, std::uint32_t(image.width));
  png::append_big_endian(header, std::uint32_t(image.height));
  header += std::string("\x08\x02\x00\x00\x00", 5);  // 8 bits, red green blue, no interlacing
  std::string out = "\x89PNG\r\n\x1a\n";
  png::append_chunk(out, "IHDR", header);
  png::append_chunk(out, "IDAT", zlib_compress(rows));
  png::append_chunk(out, "IEND", "");
  return out;
}

}  // namespace vlt
