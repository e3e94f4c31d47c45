#pragma once
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <vector>
#include <vlt/image/clip_processor.hpp>

namespace vlt::image {

// How LLaVA-NeXT shows one image: a canvas of square tiles on which the image is fitted and padded, and which of the
// features survive unpadding.
struct TileLayout {
  Size canvas, fitted, offset;  // in pixels: the canvas, the image on it, its left upper corner
  Size tiles;                   // rows and columns of tiles
  Size first, kept;             // in features: where the kept rectangle begins, and its sides

  int tile_count() const { return 1 + tiles.height * tiles.width; }  // the whole image comes first
  // The whole image's features, the kept ones, and one newline for each kept row.
  int feature_count(int per_side) const { return per_side * per_side + kept.height * kept.width + kept.height; }
};

namespace any_resolution {

// The canvas that shows most of the image; of equals the smallest, which wastes least; of equals the first. All in
// double, in the order of transformers.
inline Size best_canvas(Size image, const std::vector<std::array<int, 2>>& grid) {
  Size best;
  std::int64_t most = 0, smallest = std::numeric_limits<std::int64_t>::max();
  for (const auto& [height, width] : grid) {
    const double scale = std::min(double(width) / image.width, double(height) / image.height);
    const auto w = static_cast<std::int64_t>(image.width * scale), h = static_cast<std::int64_t>(image.height * scale);
    const std::int64_t shown = std::min(w * h, std::int64_t(image.width) * image.height),
                       area = std::int64_t(width) * height;
    if (shown > most || (shown == most && area < smallest)) best = {height, width}, most = shown, smallest = area;
  }
  return best;
}

inline Size fitted(Size image, Size canvas) {
  const double scale_w = double(canvas.width) / image.width, scale_h = double(canvas.height) / image.height;
  if (scale_w < scale_h) return {std::min(int(std::ceil(image.height * scale_w)), canvas.height), canvas.width};
  return {canvas.height, std::min(int(std::ceil(image.width * scale_h)), canvas.width)};
}

// int(round(x, 7)) as Python does it: through the decimal digits.
inline int rounded_7(double x) {
  char text[64];
  std::snprintf(text, sizeof text, "%.7f", x);
  return static_cast<int>(std::strtod(text, nullptr));
}

}  // namespace any_resolution

// per_side: features along one side of a tile.
inline TileLayout tile_layout(Size image, const std::vector<std::array<int, 2>>& grid, int tile, int per_side) {
  using namespace any_resolution;
  TileLayout l;
  l.canvas = best_canvas(image, grid);
  require(tile > 0 && l.canvas.height % tile == 0 && l.canvas.width % tile == 0,
          "a canvas of the grid is not made of whole tiles");
  l.fitted = fitted(image, l.canvas);
  l.offset = {(l.canvas.height - l.fitted.height) / 2, (l.canvas.width - l.fitted.width) / 2};
  l.tiles = {l.canvas.height / tile, l.canvas.width / tile};
  l.kept = {l.tiles.height * per_side, l.tiles.width * per_side};
  if (double(image.width) / image.height > double(l.kept.width) / l.kept.height) {
    l.first.height = (l.kept.height - rounded_7(image.height * (double(l.kept.width) / image.width))) / 2;
    l.kept.height -= 2 * l.first.height;
  } else {
    l.first.width = (l.kept.width - rounded_7(image.width * (double(l.kept.height) / image.height))) / 2;
    l.kept.width -= 2 * l.first.width;
  }
  return l;
}

// The whole image squeezed to one tile, then the tiles of the canvas, row by row; black where the image does not reach.
inline std::vector<Image> cut_tiles(const Image& in, const TileLayout& l, int tile) {
  Image canvas(l.canvas.width, l.canvas.height);
  copy_rectangle(resize(in, l.fitted.width, l.fitted.height), 0, 0, canvas, l.offset.width, l.offset.height,
                 l.fitted.width, l.fitted.height);
  std::vector<Image> out{resize(in, tile, tile)};
  for (int y = 0; y < l.tiles.height; ++y)
    for (int x = 0; x < l.tiles.width; ++x) {
      Image& one = out.emplace_back(tile, tile);
      copy_rectangle(canvas, x * tile, y * tile, one, 0, 0, tile, tile);
    }
  return out;
}

}  // namespace vlt::image
