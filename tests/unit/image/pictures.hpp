#pragma once
#include <catch2/catch.hpp>
#include <cstdint>
#include <fstream>
#include <string>
#include <string_view>
#include <vlt/image/image.hpp>

namespace vlt::test {

// The picture that tests/golden/images/make_golden.py draws: ramps, and noise in its middle.
inline image::Image drawn(int width, int height) {
  image::Image out(width, height);
  std::uint32_t i = 0;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < 3; ++c, ++i) {
        const bool middle = x >= width / 3 && x < width / 2 && y >= height / 4 && y < height / 2;
        out.row(y)[3 * x + c] = std::uint8_t(middle ? i * 2654435761u >> 13 : std::uint32_t((3 + c) * x + 5 * y));
      }
  return out;
}
// FNV-1a, 64 bit.
inline std::string fnv(const std::vector<std::uint8_t>& bytes) {
  std::uint64_t h = 0xcbf29ce484222325u;
  for (const std::uint8_t b : bytes) h = (h ^ b) * 0x100000001b3u;
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(h));
  return text;
}
inline std::string golden_path(const std::string& name) { return VLT_TEST_DIR "/golden/images/" + name; }
inline std::string golden_bytes(const std::string& name) {
  std::ifstream file(golden_path(name), std::ios::binary);
  REQUIRE(file);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace vlt::test
