#pragma once
#include <algorithm>
#include <optional>
#include <vlt/tensor/transfer.hpp>

namespace vlt {

// Supervised positions of a packed batch: row r of the decoder's output should predict token id. Losses are summed per
// group (the data set a sample came from); no groups: all belong to group 0.
struct Targets {
  std::vector<Index> row, id, group;

  Index groups() const {
    if (group.empty()) return 1;
    const auto [least, most] = std::minmax_element(group.begin(), group.end());
    require(*least >= 0, "the groups of targets are counted from 0");
    return 1 + *most;
  }
};

// Features of a frozen tower that were computed before, so that it sees other tiles only, or none.
struct KnownFeatures {
  float* values = nullptr;  // the host's, (rows of all features, width): read where they are known, else written
  std::vector<Index> row;   // (rows of all features): which row of what the tower makes; -1: it is known
  Segments made;            // what the tower makes
  bool tower = true;        // does it run? If on one rank, then on all, some perhaps with nothing to see
};

// One packed micro-batch on the host, as the decoder sees it after image tokens have taken the place of their marks.
// The tower sees tiles; a projector that has image_newline puts it behind all image tokens, as a sequence of its own.
struct Batch {
  Segments images, features, image_tokens;  // before the tower, after it, after the projector
  std::optional<KnownFeatures> known;       // then `images` are those that the tower sees, `features` those of all
  Segments inside_tower, inside_projector;  // what these two asked for (inside_segments)
  Segments text;                            // the spliced sequences
  std::vector<Index> id;                    // (rows): token, or -1 where an image token stands
  std::vector<Index> image_row;             // (rows): row of the image tokens, or -1
  Targets targets;
};

// Supervised positions in the memory of the device.
template <Device D> struct TargetsView {
  IndexView<D> row, id, group;
  Index groups = 1;

  Index size() const { return row.size(); }
  TargetsView part(Index begin, Index count) const {
    return {row.part(begin, count), id.part(begin, count), group.empty() ? group : group.part(begin, count), groups};
  }
};

// A micro-batch in the memory of the device: all that operations read of it, but for the pixels. Made once for each
// micro-batch; the batch must stay.
template <Device D> struct BatchView {
  SegmentsView<D> images, features, image_tokens, inside_tower, inside_projector, text, made_features;
  IndexView<D> id, image_row, made_row;  // the last two: of KnownFeatures
  TargetsView<D> targets;

  BatchView(Scope& s, const Batch& b)
      : images(upload<D>(s, b.images)),
        features(upload<D>(s, b.features)),
        image_tokens(upload<D>(s, b.image_tokens)),
        inside_tower(upload<D>(s, b.inside_tower)),
        inside_projector(upload<D>(s, b.inside_projector)),
        text(upload<D>(s, b.text)),
        made_features(b.known ? upload<D>(s, b.known->made) : SegmentsView<D>{}),
        id(upload<D>(s, b.id)),
        image_row(upload<D>(s, b.image_row)),
        made_row(b.known ? upload<D>(s, b.known->row) : IndexView<D>{}),
        targets{upload<D>(s, b.targets.row), upload<D>(s, b.targets.id), upload<D>(s, b.targets.group),
                b.targets.groups()} {}
};

}  // namespace vlt
