#pragma once
#include <numeric>
#include <vector>
#include <vlt/base/config.hpp>

namespace vlt {

// What one picture becomes in the decoder: which rows of the projector's output, and in what order. Rows count from
// the first row of the picture's first tile.
struct ImageLayout {
  static constexpr Index newline = -1;  // stands for image_newline, the row that ends a line of a grid of tiles

  Index tiles = 1;         // what the vision tower sees of the picture: neighbours in its batch
  std::vector<Index> row;  // of each image token: a row of the tiles, or `newline`

  // One tile, all of its `tokens` in their order.
  static ImageLayout plain(Index tokens) {
    ImageLayout l;
    l.row.resize(std::size_t(tokens));
    std::iota(l.row.begin(), l.row.end(), Index(0));
    return l;
  }
};

}  // namespace vlt
