#pragma once
#include <vlt/models/batch.hpp>
#include <vlt/tensor/image_layout.hpp>
#include <vlt/tensor/sample.hpp>

namespace vlt {

// Which rows of a batch's image tokens each picture becomes, in the order of the pictures.
class PictureRows {
 public:
  // layouts: one for each picture, or none: then every tile is a picture and gives all its tokens. The batch must stay.
  PictureRows(const Batch& b, std::span<const ImageLayout> layouts) : b_(b), layouts_(layouts) {
    Index tiles = 0;
    for (const ImageLayout& l : layouts) tiles += l.tiles;
    require(layouts.empty() || tiles == b.features.sequences(),
            "the layouts have another number of tiles than the batch");
  }
  bool more() const { return tile_ < b_.features.sequences(); }

  // Appends those of the next picture.
  void next(std::vector<Index>& rows) {
    require(more(), "a sample has more image marks than images");
    const Index first = b_.image_tokens.begin(tile_);
    const ImageLayout* l = layouts_.empty() ? nullptr : &layouts_[picture_++];
    tile_ += l ? l->tiles : 1;
    const Index count = b_.image_tokens.end(tile_ - 1) - first;
    if (!l)
      for (Index n = 0; n < count; ++n) rows.push_back(first + n);
    else
      for (const Index r : l->row) rows.push_back(r == ImageLayout::newline ? newline() : first + inside(r, count));
  }

 private:
  const Batch& b_;
  std::span<const ImageLayout> layouts_;
  Index tile_ = 0;
  std::size_t picture_ = 0;

  Index newline() const {
    require(b_.image_tokens.sequences() > b_.features.sequences(), "a layout has newlines, the projector has none");
    return b_.image_tokens.rows() - 1;
  }
  static Index inside(Index row, Index count) {
    require(row >= 0 && row < count, "a layout names a row outside its tiles");
    return row;
  }
};

// Lays samples out one after another; every mark becomes the tokens of the next picture. group: each sample's, or none.
inline void splice(const std::vector<Sample>& samples, std::span<const int> group, Index image, Batch& b,
                   std::span<const ImageLayout> layouts = {}) {
  require(group.empty() || group.size() == samples.size(), "every sample of a batch needs a group, or none");
  PictureRows pictures(b, layouts);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const Sample& sample = samples[i];
    require(sample.id.size() == sample.label.size(), "a sample needs as many labels as ids");
    std::vector<TokenKind> kinds;
    const std::size_t before = b.id.size();
    for (std::size_t t = 0; t < sample.id.size(); ++t) {
      const bool picture = sample.id[t] == image;
      if (picture) pictures.next(b.image_row);
      else b.image_row.push_back(-1);
      b.id.resize(b.image_row.size(), picture ? -1 : sample.id[t]);
      kinds.resize(b.id.size() - before, picture ? TokenKind::image : TokenKind::text);
      if (t + 1 == sample.id.size() || sample.label[t + 1] < 0) continue;
      b.targets.row.push_back(Index(b.id.size()) - 1), b.targets.id.push_back(sample.label[t + 1]);
      if (!group.empty()) b.targets.group.push_back(group[i]);
    }
    b.text.append(kinds);
  }
  require(!pictures.more(), "there are more images than image marks");
}

}  // namespace vlt
