#pragma once
#include <span>
#include <vlt/image/any_resolution.hpp>

namespace vlt::image {

// From a picture to what the vision tower reads of it: one image as CLIP prepares it or, if the processor has a grid of
// canvases, the tiles of LLaVA-NeXT.
class PictureProcessor {
 public:
  explicit PictureProcessor(const ClipProcessorFile& file) : grid_(file.grid), clip_(file) {}

  std::size_t floats_per_tile() const { return clip_.size(); }
  // What the tower sees, the whole picture first.
  std::vector<Image> tiles(const Image& picture) const {
    if (grid_.empty()) return {clip_.cropped(picture)};
    constexpr int no_features = 1;  // where tiles lie does not depend on them
    return cut_tiles(picture, tile_layout(picture.size(), grid_, clip_.side(), no_features), clip_.side());
  }
  // Appends (tiles, 3, side, side) floats.
  void append(const Image& picture, std::vector<float>& to) const {
    for (const Image& tile : tiles(picture)) {
      to.resize(to.size() + floats_per_tile());
      clip_.normalise(tile, to.data() + to.size() - floats_per_tile());
    }
  }

 private:
  std::vector<std::array<int, 2>> grid_;
  ClipProcessor clip_;
};

}  // namespace vlt::image
