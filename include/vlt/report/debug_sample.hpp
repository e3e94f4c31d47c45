#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <vector>
#include <vlt/image/image.hpp>
#include <vlt/text/aligned_text.hpp>

namespace vlt::report {

// An image of a debug sample: its file as it is, and the pixels that the model is given.
struct DebugImage {
  std::string name;
  std::string file;                // the bytes of the file
  std::vector<image::Image> seen;  // after resizing and cropping; several tiles, the whole image first, or one
};

// The picture behind the numbers that a vision model is given: undoes (value / 255 - mean) / deviation.
// planes: (3, height, width).
inline image::Image seen_image(std::span<const float> planes, int width, int height, const std::array<float, 3>& mean,
                               const std::array<float, 3>& deviation) {
  image::Image image(width, height);
  const std::size_t plane = std::size_t(width) * std::size_t(height);
  require(planes.size() == 3 * plane, "seen_image: planes hold 3 * width * height values");
  for (std::size_t c = 0; c < 3; ++c)
    for (std::size_t i = 0; i < plane; ++i) {
      const float value = (planes[c * plane + i] * deviation[c] + mean[c]) * 255;
      image.pixels[3 * i + c] = static_cast<std::uint8_t>(std::lround(std::clamp(value, 0.0f, 255.0f)));
    }
  return image;
}

// A training sample as the model is taught it, before image expansion.
struct DebugSample {
  std::string id, text;                  // rendered by the template
  std::vector<std::int32_t> ids;         // before image expansion
  std::vector<std::uint8_t> supervised;  // one for each id
  std::vector<text::ByteRange> tokens;   // the bytes of `text` each id stands for; empty for what the tokenizer adds
  std::vector<text::ByteRange> spans;    // answers and their ends, in bytes of `text`
  std::string truncation;                // empty: nothing was cut
  std::string image_mark = "<image>";    // the template's
  std::vector<DebugImage> images;
};

}  // namespace vlt::report
