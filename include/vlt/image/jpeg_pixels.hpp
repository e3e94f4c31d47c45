#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

// From the channels of a decoded JPEG to RGB, with the roundings of libjpeg (jdsample.c, jdcolor.c) and Pillow.
namespace vlt::jpeg {

// One channel as it is stored: across x down pixels of the picture to a sample.
struct Plane {
  const std::uint8_t* data = nullptr;
  int width = 0, height = 0, stride = 0;  // in samples
  int across = 1, down = 1;
};

// Row y of the picture in one channel; `out` has room for across * width samples. A side that is halved is interpolated
// 3 : 1 between the two nearest samples (of a very narrow channel only downwards), any other is repeated.
inline void full_row(const Plane& p, int y, std::uint8_t* out) {
  const int row = y / p.down, width = p.width;
  const bool halved = p.across <= 2 && p.down <= 2 && (p.across == 1 || width > 2);
  const auto line = [&](int r) { return p.data + std::ptrdiff_t(std::clamp(r, 0, p.height - 1)) * p.stride; };
  const std::uint8_t *near = line(row), *far = line(y % 2 == 0 ? row - 1 : row + 1);
  const auto down = [&](int x) { return p.down == 1 ? int(near[x]) : 3 * near[x] + far[x]; };
  if (p.across == 1 && p.down == 1) {
    std::copy(near, near + width, out);
  } else if (!halved) {
    for (int x = 0; x < width; ++x) std::fill_n(out + std::ptrdiff_t(x) * p.across, p.across, near[x]);
  } else if (p.across == 1) {
    for (int x = 0; x < width; ++x) out[x] = std::uint8_t((down(x) + 1 + y % 2) >> 2);
  } else {
    const int shift = p.down == 1 ? 2 : 4, half_left = p.down == 1 ? 1 : 8, half_right = p.down == 1 ? 2 : 7;
    for (int x = 0; x < width; ++x) {
      const int here = 3 * down(x);
      out[2 * x] = std::uint8_t((here + down(std::max(x - 1, 0)) + half_left) >> shift);
      out[2 * x + 1] = std::uint8_t((here + down(std::min(x + 1, width - 1)) + half_right) >> shift);
    }
  }
}

struct Rgb {
  std::uint8_t red, green, blue;
};

// ITU-R BT.601 as JFIF uses it, in 16 bits behind the point.
inline Rgb from_ycc(int luma, int blue, int red) {
  const auto byte = [](int v) { return std::uint8_t(std::clamp(v, 0, 255)); };
  constexpr int half = 1 << 15;
  blue -= 128, red -= 128;
  return {byte(luma + ((91881 * red + half) >> 16)), byte(luma + ((-22554 * blue - 46802 * red + half) >> 16)),
          byte(luma + ((116130 * blue + half) >> 16))};
}

// CMYK as Adobe stores it (inverted) to RGB, with Pillow's rounding: 255 - k - round(c (255 - k) / 255).
inline std::uint8_t from_inverted_cmyk(int ink, int black) {
  const int t = (255 - ink) * black + 128;
  return std::uint8_t(std::max(0, black - (((t >> 8) + t) >> 8)));
}

}  // namespace vlt::jpeg
