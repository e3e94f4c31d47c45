#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>
#include <vlt/data/image.hpp>

#if defined(__clang__)
#define VLT_EXACT_DOUBLE
#elif defined(__GNUC__)
#define VLT_EXACT_DOUBLE [[gnu::optimize("fp-contract=off")]]
#endif

namespace vlt {

// For each output pixel, which input pixels count and how much, in units of 2^-22: Pillow's antialiased bicubic (a =
// -0.5).
class BicubicWeights {
 public:
  struct Window {
    int first, count;
  };

  // A fused multiply-add would change last bits, so contraction is off here whatever the compiler's flags say.
  // For outputs [begin, begin + count) of `out`.
  VLT_EXACT_DOUBLE BicubicWeights(int in, int out, int begin, int count) : windows_(std::size_t(count)) {
#if defined(__clang__)
#pragma clang fp contract(off)
#endif
    const double scale = double(in) / out, filter_scale = std::max(scale, 1.0), support = 2.0 * filter_scale,
                 inverse = 1.0 / filter_scale;
    width_ = int(std::ceil(support)) * 2 + 1;
    weights_.assign(std::size_t(count) * std::size_t(width_), 0);
    std::vector<double> w(static_cast<std::size_t>(width_));
    for (int i = 0; i < count; ++i) {
      const double centre = (begin + i + 0.5) * scale;
      const int first = std::max(0, int(centre - support + 0.5)),
                taps = std::min(in, int(centre + support + 0.5)) - first;
      double sum = 0;
      for (int k = 0; k < taps; ++k) {
        double x = (k + first - centre + 0.5) * inverse;
        if (x < 0) x = -x;
        w[std::size_t(k)] = x < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0.0;
        sum += w[std::size_t(k)];
      }
      for (int k = 0; k < taps; ++k) {
        const double v = (sum != 0 ? w[std::size_t(k)] / sum : w[std::size_t(k)]) * (1 << bits);
        weights_[std::size_t(i) * std::size_t(width_) + std::size_t(k)] = int(v < 0 ? v - 0.5 : v + 0.5);
      }
      windows_[std::size_t(i)] = {first, taps};
    }
  }
  Window window(int i) const { return windows_[std::size_t(i)]; }
  const std::int32_t* weights(int i) const { return weights_.data() + std::size_t(i) * std::size_t(width_); }

  static constexpr int bits = 22;
  static std::uint8_t pixel(std::int32_t sum) { return std::uint8_t(std::clamp(sum >> bits, 0, 255)); }

 private:
  int width_ = 0;
  std::vector<Window> windows_;
  std::vector<std::int32_t> weights_;
};

// A rectangle of pixels.
struct Rectangle {
  int x, y, width, height;
};

namespace resize_pass {

// `in` holds columns from `left` on, and stays as high as it is.
inline Image horizontal(const Image& in, const BicubicWeights& weights, int left, int width) {
  Image out(width, in.height);
  for (int y = 0; y < in.height; ++y) {
    std::uint8_t* pixel = out.row(y);
    for (int x = 0; x < width; ++x, pixel += 3) {
      const auto [first, count] = weights.window(x);
      const std::int32_t* w = weights.weights(x);
      const std::uint8_t* p = in.row(y) + (first - left) * 3;
      std::int32_t sum[3] = {1 << 21, 1 << 21, 1 << 21};
      for (int k = 0; k < count; ++k, p += 3)
        for (int c = 0; c < 3; ++c) sum[c] += p[c] * w[k];
      for (int c = 0; c < 3; ++c) pixel[c] = BicubicWeights::pixel(sum[c]);
    }
  }
  return out;
}

// `in` holds rows from `top` on, and stays as wide as it is.
inline Image vertical(const Image& in, const BicubicWeights& weights, int top, int height) {
  Image out(in.width, height);
  std::vector<std::int32_t> sums(static_cast<std::size_t>(in.width) * 3);
  for (int y = 0; y < height; ++y) {
    const auto [first, count] = weights.window(y);
    std::fill(sums.begin(), sums.end(), 1 << 21);
    for (int k = 0; k < count; ++k) {
      const std::uint8_t* p = in.row(first - top + k);
      const std::int32_t w = weights.weights(y)[k];
      for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += p[i] * w;
    }
    for (std::size_t i = 0; i < sums.size(); ++i) out.row(y)[i] = BicubicWeights::pixel(sums[i]);
  }
  return out;
}

// The inputs that a range of outputs reads.
struct Span {
  int first, count;
};
inline Span inputs(const BicubicWeights& weights, int outputs) {
  const auto begin = weights.window(0), end = weights.window(outputs - 1);
  return {begin.first, end.first + end.count - begin.first};
}

}  // namespace resize_pass

// Which pass comes first. The result depends on it, because each pass rounds to 8 bits. Pillow up to 12 always begins
// horizontally; Pillow 13 begins vertically if that side shrinks by more than twice as many pixels as the other.
enum class PassOrder { horizontal_first, pillow_13 };

// A part of the image resized to width x height, as Pillow does it, bit for bit; a side that stays is not touched. Only
// what the part needs is computed, so a very long image costs no more than its crop.
inline Image resize(const Image& in, int width, int height, Rectangle part, PassOrder order) {
  require(part.x >= 0 && part.y >= 0 && part.width > 0 && part.height > 0 && part.x + part.width <= width &&
              part.y + part.height <= height,
          "resize: the part lies outside the image");
  const BicubicWeights across(in.width, width, part.x, part.width), down(in.height, height, part.y, part.height);
  const bool wide = width != in.width, high = height != in.height;
  const resize_pass::Span columns =
      wide ? resize_pass::inputs(across, part.width) : resize_pass::Span{part.x, part.width};
  const resize_pass::Span rows = high ? resize_pass::inputs(down, part.height) : resize_pass::Span{part.y, part.height};
  Image needed(columns.count, rows.count);
  copy_rectangle(in, columns.first, rows.first, needed, 0, 0, columns.count, rows.count);
  const int shrinks_down = in.height - height, shrinks_across = in.width - width;
  const bool vertical_first =
      order == PassOrder::pillow_13 && wide && high && shrinks_down > 0 && shrinks_down > 2 * shrinks_across;
  if (vertical_first) needed = resize_pass::vertical(needed, down, rows.first, part.height);
  if (wide) needed = resize_pass::horizontal(needed, across, columns.first, part.width);
  if (high && !vertical_first) needed = resize_pass::vertical(needed, down, rows.first, part.height);
  return needed;
}
inline Image resize(const Image& in, int width, int height, PassOrder order) {
  return resize(in, width, height, {0, 0, width, height}, order);
}

}  // namespace vlt
