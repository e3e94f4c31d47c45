#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>
#include <vlt/image/image.hpp>

namespace vlt::image {

// For each output pixel, which input pixels count and how much, in units of 2^-22: Pillow's antialiased bicubic
// (Keys 1981, a = -1/2), 8 bits between passes, as in version 13.
class BicubicWeights {
 public:
  struct Window {
    int first, count;
  };

  // For outputs [begin, begin + count) when `in` pixels become `out`.
  BicubicWeights(int in, int out, int begin, int count) : windows_(std::size_t(count)) {
    const double scale = double(in) / out, filter_scale = std::max(scale, 1.0), support = 2 * filter_scale;
    width_ = int(std::ceil(support)) * 2 + 1;
    weights_.assign(std::size_t(count) * std::size_t(width_), 0);
    std::vector<double> w(static_cast<std::size_t>(width_));
    for (int i = 0; i < count; ++i) {
      const double centre = rounded((begin + i + 0.5) * scale);
      const int first = std::max(0, int(centre - support + 0.5)),
                taps = std::min(in, int(centre + support + 0.5)) - first;
      double sum = 0;
      for (int k = 0; k < taps; ++k)
        sum += w[std::size_t(k)] = filter(rounded((k + first - centre + 0.5) * (1 / filter_scale)));
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
  static constexpr std::int32_t half = 1 << (bits - 1);
  static std::uint8_t pixel(std::int32_t sum) { return std::uint8_t(std::clamp(sum >> bits, 0, 255)); }

 private:
  int width_ = 0;
  std::vector<Window> windows_;
  std::vector<std::int32_t> weights_;

  // A product in a double of its own: a fused multiply-add with what follows would change last bits.
  static double rounded(double product) {
    volatile double value = product;
    return value;
  }
  // (3/2 x - 5/2) x^2 + 1 up to 1, (((x - 5) x + 8) x - 4) / -2 up to 2.
  static double filter(double x) {
    x = std::abs(x);
    if (x < 1) return rounded((rounded(1.5 * x) - 2.5) * x * x) + 1;
    return x < 2 ? (rounded((rounded((x - 5) * x) + 8) * x) - 4) * -0.5 : 0.0;
  }
};

// A rectangle of pixels.
struct Rectangle {
  int x, y, width, height;
};

namespace resize_pass {

// sums += weight * bytes
inline void add_weighted(const std::uint8_t* bytes, std::int32_t weight, std::int32_t* sums, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) sums[i] += bytes[i] * weight;
}

// `in` holds columns from `left` on, and stays as high as it is. Sixteen rows go together: their pixels of one column
// lie side by side, so that a weight meets 48 bytes in a row.
inline Image horizontal(const Image& in, const BicubicWeights& weights, int left, int width) {
  constexpr int rows = 16, stride = rows * Image::channels;
  Image out(width, in.height);
  std::vector<std::uint8_t> columns(std::size_t(in.width) * stride);  // (in.width, rows, 3)
  for (int top = 0; top < in.height; top += rows) {
    const int height = std::min(rows, in.height - top);
    for (int y = 0; y < height; ++y) {
      const std::uint8_t* p = in.row(top + y);
      std::uint8_t* to = columns.data() + y * Image::channels;
      for (int x = 0; x < in.width; ++x, p += 3, to += stride) to[0] = p[0], to[1] = p[1], to[2] = p[2];
    }
    for (int x = 0; x < width; ++x) {
      const auto [first, count] = weights.window(x);
      std::array<std::int32_t, stride> sums;
      sums.fill(BicubicWeights::half);
      for (int k = 0; k < count; ++k)
        add_weighted(columns.data() + std::size_t(first - left + k) * stride, weights.weights(x)[k], sums.data(),
                     stride);
      for (int y = 0; y < height; ++y)
        for (int c = 0; c < Image::channels; ++c)
          out.row(top + y)[x * Image::channels + c] = BicubicWeights::pixel(sums[std::size_t(y * 3 + c)]);
    }
  }
  return out;
}

// `in` holds rows from `top` on, and stays as wide as it is.
inline Image vertical(const Image& in, const BicubicWeights& weights, int top, int height) {
  Image out(in.width, height);
  std::vector<std::int32_t> sums(std::size_t(in.width) * Image::channels);
  for (int y = 0; y < height; ++y) {
    const auto [first, count] = weights.window(y);
    std::fill(sums.begin(), sums.end(), BicubicWeights::half);
    for (int k = 0; k < count; ++k)
      add_weighted(in.row(first - top + k), weights.weights(y)[k], sums.data(), sums.size());
    std::transform(sums.begin(), sums.end(), out.row(y), BicubicWeights::pixel);
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

// A part of the image resized to width x height, as Pillow does it, bit for bit; a side that stays is not touched. Only
// what the part needs is computed, so a very long image costs no more than its crop. Each pass rounds to 8 bits, so
// their order matters: across first, unless the height shrinks by more than twice as many pixels as the width (Pillow
// 13; up to 12 it was always across first).
inline Image resize(const Image& in, int width, int height, Rectangle part) {
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
  const bool vertical_first = wide && high && shrinks_down > 0 && shrinks_down > 2 * shrinks_across;
  if (vertical_first) needed = resize_pass::vertical(needed, down, rows.first, part.height);
  if (wide) needed = resize_pass::horizontal(needed, across, columns.first, part.width);
  if (high && !vertical_first) needed = resize_pass::vertical(needed, down, rows.first, part.height);
  return needed;
}
inline Image resize(const Image& in, int width, int height) { return resize(in, width, height, {0, 0, width, height}); }

}  // namespace vlt::image
