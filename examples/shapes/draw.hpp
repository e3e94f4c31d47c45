#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "scene.hpp"

namespace shapes {

// Is the point, in pixels from the centre of the shape, inside it?
inline bool covers(const Shape& s, double x, double y) {
  const double r = s.radius;
  switch (s.form) {
    case circle:
      return x * x + y * y <= r * r && x * x + y * y >= 0.3 * r * r;  // a line, not a disc
    case square:
      return std::abs(x) <= 0.85 * r && std::abs(y) <= 0.85 * r;
    default:
      return y <= 0.9 * r && y >= -r && std::abs(x) <= (y + r) / 1.9;
  }
}

// Red, green, blue bytes, row by row; edges are smoothed by sampling each pixel at 4 x 4 points.
inline std::vector<std::uint8_t> draw(const Scene& scene) {
  constexpr std::array<std::array<int, 3>, colours> paint{
      {{220, 50, 50}, {50, 185, 75}, {60, 100, 230}, {235, 215, 60}}};
  constexpr int samples = 4;
  std::vector<std::uint8_t> pixels;
  pixels.reserve(picture_pixels * picture_pixels * 3);
  for (int row = 0; row < picture_pixels; ++row)
    for (int column = 0; column < picture_pixels; ++column) {
      const Shape* s = scene.in_cell(row / cell_pixels * 2 + column / cell_pixels);
      int inside = 0;
      for (int i = 0; s && i < samples * samples; ++i)
        inside += covers(*s, column + (i % samples + 0.5) / samples - s->centre_x,
                         row + (i / samples + 0.5) / samples - s->centre_y);
      for (std::size_t channel = 0; channel < 3; ++channel) {
        const int under = scene.background[channel];
        const int over = s ? std::clamp(paint[s->colour][channel] + s->shade, 0, 255) : under;
        pixels.push_back(static_cast<std::uint8_t>(under + (over - under) * inside / (samples * samples)));
      }
    }
  return pixels;
}

}  // namespace shapes
