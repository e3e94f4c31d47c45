#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>
#include <vlt/base/error.hpp>

namespace vlt::image {

// Two sides in pixels, height first, as the papers and configurations write them.
struct Size {
  int height = 0, width = 0;
  bool operator==(const Size&) const = default;
};

// 8-bit pixels, row by row, red green blue.
struct Image {
  int width = 0, height = 0;
  std::vector<std::uint8_t> pixels;  // (height, width, 3)

  static constexpr int channels = 3;
  static constexpr int largest_side = 1 << 15;

  Image() = default;
  Image(int w, int h) : width(w), height(h) {
    require(w > 0 && h > 0 && w <= largest_side && h <= largest_side, "an image needs sides of 1 to 32768 pixels");
    pixels.resize(std::size_t(w) * std::size_t(h) * channels);
  }
  Size size() const { return {height, width}; }
  std::uint8_t* row(int y) { return pixels.data() + std::size_t(y) * std::size_t(width) * channels; }
  const std::uint8_t* row(int y) const { return pixels.data() + std::size_t(y) * std::size_t(width) * channels; }
};

// Copies a rectangle of `from` into `to`; both must contain it.
inline void copy_rectangle(const Image& from, int from_x, int from_y, Image& to, int to_x, int to_y, int width,
                           int height) {
  require(from_x >= 0 && from_y >= 0 && to_x >= 0 && to_y >= 0 && from_x + width <= from.width &&
              from_y + height <= from.height && to_x + width <= to.width && to_y + height <= to.height,
          "a rectangle lies outside its image");
  for (int y = 0; y < height; ++y) {
    const std::uint8_t* source = from.row(from_y + y) + from_x * Image::channels;
    std::copy(source, source + width * Image::channels, to.row(to_y + y) + to_x * Image::channels);
  }
}

}  // namespace vlt::image
