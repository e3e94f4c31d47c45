#pragma once
#include <algorithm>
#include <array>
#include <vector>
#include <vlt/image/clip_processor_file.hpp>
#include <vlt/image/image.hpp>
#include <vlt/image/resize.hpp>

namespace vlt::image {

// From an image to what the vision tower reads: shortest edge to S (Pillow's bicubic), centre crop, scaled to [0, 1],
// normalised, channels first.
class ClipProcessor {
 public:
  explicit ClipProcessor(const ClipProcessorFile& file) : file_(file) {
    for (std::size_t c = 0; c < 3; ++c)
      for (std::size_t v = 0; v < 256; ++v) values_[c][v] = value(v, c);
  }
  int side() const { return file_.crop; }
  std::size_t size() const { return std::size_t(side()) * std::size_t(side()) * 3; }  // floats of one image

  // Shortest edge to S, the other in proportion, rounded down; then the centre, the only part that is computed.
  Image cropped(const Image& in) const {
    const std::int64_t s = file_.shortest_edge, shorter = std::min(in.width, in.height),
                       longer = std::max(in.width, in.height);
    const int other = static_cast<int>(double(s * longer) / double(shorter));
    const int width = in.width <= in.height ? int(s) : other, height = in.width <= in.height ? other : int(s);
    return resize(in, width, height, {(width - side()) / 2, (height - side()) / 2, side(), side()});
  }
  // Writes (3, height, width) floats.
  void normalise(const Image& in, float* to) const {
    for (std::size_t c = 0; c < 3; ++c)
      for (std::size_t i = c; i < in.pixels.size(); i += 3) *to++ = values_[c][in.pixels[i]];
  }
  // Writes size() floats.
  void operator()(const Image& in, float* to) const { normalise(cropped(in), to); }
  std::vector<float> operator()(const Image& in) const {
    std::vector<float> out(size());
    (*this)(in, out.data());
    return out;
  }

 private:
  ClipProcessorFile file_;
  std::array<std::array<float, 256>, 3> values_;  // of each byte in each channel

  float value(std::size_t byte, std::size_t channel) const {
    const float scaled = static_cast<float>(double(byte) * file_.rescale_factor);  // product in double, kept in float
    return (scaled - static_cast<float>(file_.mean[channel])) / static_cast<float>(file_.std[channel]);
  }
};

}  // namespace vlt::image
