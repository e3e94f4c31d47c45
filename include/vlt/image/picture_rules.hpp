#pragma once
#include <vlt/image/any_resolution.hpp>
#include <vlt/tensor/image_layout.hpp>

namespace vlt::image {

// What pictures become, from their sizes alone: how many tiles the vision tower sees, and which of their tokens the
// decoder reads, in what order. Plain models: one tile, all of its tokens. LLaVA-NeXT: the whole picture, then those
// rows of the grid of tiles that show some of it, each with image_newline behind it.
class PictureRules {
 public:
  // Every picture is one tile of so many tokens.
  PictureRules(Index tokens) : tokens_(tokens) { require(tokens > 0, "a picture has at least one token"); }
  // As the processor says: tiles if it has a grid of canvases. per_side: tokens along a side of a tile, which has
  // per_side * per_side tokens (the class token dropped).
  PictureRules(const ClipProcessorFile& processor, Index per_side)
      : PictureRules(per_side * per_side, processor.grid, processor.crop, per_side) {}

  // Do pictures of different sizes become different things?
  bool vary() const { return !grid_.empty(); }
  Index tiles(Size picture) const { return vary() ? cut(picture).tile_count() : 1; }
  // Image tokens, newlines included.
  Index tokens(Size picture) const { return vary() ? cut(picture).feature_count(per_side_) : tokens_; }
  ImageLayout layout(Size picture) const { return vary() ? rows_of(cut(picture)) : ImageLayout::plain(tokens_); }

  // Over all sizes a picture may have. A picture has the tokens of its first tile at least.
  Index min_tokens() const { return tokens_; }
  Index max_tiles() const { return max_tiles_; }
  Index max_tokens() const { return max_tokens_; }

 private:
  Index tokens_;  // of a tile
  std::vector<std::array<int, 2>> grid_;
  int tile_ = 0, per_side_ = 0;
  Index max_tiles_ = 1, max_tokens_ = tokens_;

  PictureRules(Index tokens, const std::vector<std::array<int, 2>>& grid, int tile, Index per_side)
      : tokens_(tokens), grid_(grid), tile_(tile), per_side_(int(per_side)) {
    for (const auto& [height, width] : grid_) {  // a picture of the canvas's own size shows all of it
      const TileLayout l = cut({height, width});
      max_tiles_ = std::max(max_tiles_, Index(l.tile_count()));
      max_tokens_ = std::max(max_tokens_, Index(l.feature_count(per_side_)));
    }
  }

  TileLayout cut(Size picture) const { return tile_layout(picture, grid_, tile_, per_side_); }
  // transformers' pack_image_features: the grid's token (y, x) is one of tile (y / per_side, x / per_side).
  ImageLayout rows_of(const TileLayout& l) const {
    ImageLayout image = ImageLayout::plain(tokens_);
    image.tiles = l.tile_count();
    image.row.reserve(std::size_t(l.feature_count(per_side_)));
    for (int y = l.first.height; y < l.first.height + l.kept.height; ++y) {
      for (int x = l.first.width; x < l.first.width + l.kept.width; ++x) {
        const Index tile = 1 + y / per_side_ * l.tiles.width + x / per_side_;
        image.row.push_back(tile * tokens_ + y % per_side_ * per_side_ + x % per_side_);
      }
      image.row.push_back(ImageLayout::newline);
    }
    return image;
  }
};

}  // namespace vlt::image
