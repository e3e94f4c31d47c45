#pragma once
#include <algorithm>
#include <array>
#include <vector>
#include <vlt/data/image.hpp>
#include <vlt/data/resize.hpp>
#include <vlt/io/clip_processor_file.hpp>

namespace vlt {

// What the vision tower reads: shortest edge to S (Pillow's bicubic), centre crop, scaled to [0, 1], normalised,
// channels first.
class ClipProcessor {
 public:
  explicit ClipProcessor(const ClipProcessorFile& file, PassOrder order = PassOrder::horizontal_first)
      : file_(file), order_(order) {
    require(file.shortest_edge > 0 && file.crop > 0, "image processor: sizes must be positive");
    require(file.shortest_edge <= 4096, "image processor: sizes above 4096 are not supported");
    require(file.crop <= file.shortest_edge,
            "image processor: a crop larger than the shortest edge would pad; not supported");
    for (std::size_t c = 0; c < 3; ++c)
      for (std::size_t v = 0; v < 256; ++v) values_[c][v] = value(v, c);
  }
  int side() const { return file_.crop; }

  // Shortest edge to S, the other in proportion, rounded down; then the centre, the only part that is computed.
  Image cropped(const Image& in) const {
    const std::int64_t s = file_.shortest_edge, shorter = std::min(in.width, in.height),
                       longer = std::max(in.width, in.height);
    const int other = static_cast<int>(double(s * longer) / double(shorter));
    const int width = in.width <= in.height ? int(s) : other, height = in.width <= in.height ? other : int(s);
    return resize(in, width, height, {(width - side()) / 2, (height - side()) / 2, side(), side()}, order_);
  }
  // Appends (3, height, width) floats.
  void normalise(const Image& in, std::vector<float>& out) const {
    for (std::size_t c = 0; c < 3; ++c)
      for (std::size_t i = c; i < in.pixels.size(); i += 3) out.push_back(values_[c][in.pixels[i]]);
  }
  std::vector<float> operator()(const Image& in) const {
    std::vector<float> out;
    out.reserve(std::size_t(side()) * std::size_t(side()) * 3);
    normalise(cropped(in), out);
    return out;
  }

 private:
  ClipProcessorFile file_;
  PassOrder order_;
  std::array<std::array<float, 256>, 3> values_;  // of each byte in each channel

  float value(std::size_t byte, std::size_t channel) const {
    const float scaled = static_cast<float>(double(byte) * file_.rescale_factor);  // product in double, kept in float
    return (scaled - static_cast<float>(file_.mean[channel])) / static_cast<float>(file_.std[channel]);
  }
};

}  // namespace vlt
