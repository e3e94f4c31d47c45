#pragma once
#include <vlt/models/component.hpp>
#include <vlt/ops/rows.hpp>
#include <vlt/tensor/image_layout.hpp>
#include <vlt/tensor/sample.hpp>

namespace vlt {

// One packed micro-batch, as the decoder sees it after image tokens have taken the place of their marks. The tower sees
// tiles; a projector that has image_newline puts it behind all image tokens, as a sequence of its own.
struct Batch {
  Segments images, features, image_tokens;  // before the tower, after it, after the projector
  Segments text;                            // the spliced sequences
  std::vector<Index> id;                    // (rows): token, or -1 where an image token stands
  std::vector<Index> image_row;             // (rows): row of the image tokens, or -1
  Targets targets;
};

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

// Vision tower, projector, decoder. Each may be a concrete component or AnyComponent / AnyDecoder.
template <class Vision, class Projector, class Language> struct Vlm {
  static_assert(seam<Vision, Projector>::ok && seam<Projector, Language>::ok);
  static_assert(Component<Vision> && Component<Projector> && Decoder<Language>);
  using pixels = typename Vision::in;
  using features = typename Vision::out;
  using tokens = typename Language::in;
  struct saved {
    typename Vision::saved vision;
    typename Projector::saved projector;
    typename Language::saved language;
  };

  Vision vision;
  Projector projector;
  Language language;

  // Packs samples and their pictures, in order of their marks; group[i] says whose loss sample i adds to. images: what
  // the tower sees, one row for each tile; layouts: what each picture becomes. Without them every tile is a picture.
  Batch batch(Segments images, const std::vector<Sample>& samples, Index image_id, std::span<const int> group = {},
              std::span<const ImageLayout> layouts = {}) const {
    Batch b{std::move(images), {}, {}, {}, {}, {}, {}};
    b.features = vision.out_segments(b.images);
    b.image_tokens = projector.out_segments(b.features);
    splice(samples, group, image_id, b, layouts);
    return b;
  }

  // Adds scale * (sum of token losses) and all parameter gradients. Every unit is visited whatever the batch holds:
  // the order of collectives is the model's, not the data's.
  void forward_backward(Scope& s, pixels x, const Batch& b, double scale, saved& k, LossSums& sums) {
    const auto mark = s.arena().mark();
    Frame frame(s);
    const Shape text{b.text.rows(), language.width()}, image{b.image_tokens.rows(), language.width()};
    auto f = s.keep<features>({b.features.rows(), vision.width()}, &b.features);
    auto h = s.keep<tokens>(text, &b.text), y = s.keep<tokens>(text, &b.text);
    x.segments = &b.images;
    look(s, x, f, k);
    {
      Frame inner(s);
      auto t = s.temp<tokens>(image, &b.image_tokens);
      projector.forward(s, f, t, k.projector);
      language.embed(s, b.id, h);
      ops::gather_rows(s, t, b.image_row, h);
    }
    language.forward(s, h, y, k.language);
    auto dy = s.temp<tokens>(text, &b.text), dh = s.temp<tokens>(text, &b.text),
         dt = s.temp<tokens>(image, &b.image_tokens);
    language.loss_and_grad(s, y, b.targets, scale, dy, sums);
    language.backward(s, dy, overwrite(dh), k.language);
    language.embed_backward(s, b.id, dh);
    ops::fill(s, dt, 0);
    ops::scatter_add_rows(s, dh, b.image_row, dt);
    look_back(s, f, dt, k);
    s.arena().release_keep(mark);
  }

  // The loss alone, in the memory of one block.
  void evaluate(Scope& s, pixels x, const Batch& b, double scale, LossSums& sums) {
    Frame frame(s);
    const Shape text{b.text.rows(), language.width()};
    auto y = s.temp<tokens>(text, &b.text);
    hidden(s, x, b, y);
    language.loss(s, y, b.targets, scale, sums);
  }
  // The decoder's output before its head, (rows of b.text, width).
  void hidden(Scope& s, pixels x, const Batch& b, tokens y) {
    Frame frame(s);
    auto h = s.temp<tokens>(y.shape(), &b.text);
    embed_prompt(s, x, b, h);
    language.infer(s, h, y);
  }
  // The decoder's input, (rows of b.text, width): embeddings with the images' tokens in their places.
  void embed_prompt(Scope& s, pixels x, const Batch& b, tokens h) {
    Frame frame(s);
    auto f = s.temp<features>({b.features.rows(), vision.width()}, &b.features);
    auto t = s.temp<tokens>({b.image_tokens.rows(), language.width()}, &b.image_tokens);
    x.segments = &b.images;
    vision.infer(s, x, f);
    projector.infer(s, f, t);
    language.embed(s, b.id, h);
    ops::gather_rows(s, t, b.image_row, h);
  }

  template <class R> void collect(R& registry, const std::string& path) {
    registry.component = ComponentKind::vision, vlt::collect(vision, registry, path);
    registry.component = ComponentKind::projector, vlt::collect(projector, registry, join(path, "projection"));
    registry.component = ComponentKind::language, vlt::collect(language, registry, path);
  }

 private:
  void look(Scope& s, pixels x, features f, saved& k) {
    if constexpr (may_train_v<Vision>)
      if (vlt::trains(vision)) return vision.forward(s, x, f, k.vision);
    vision.infer(s, x, f);
  }
  void look_back(Scope& s, features f, tokens dt, saved& k) {
    if constexpr (may_train_v<Vision>)
      if (vlt::trains(vision)) {
        auto df = s.temp<features>(f.shape(), f.segments);
        projector.backward(s, dt, overwrite(df), k.projector);
        return vision.backward(s, df, Discard{}, k.vision);
      }
    projector.backward(s, dt, Discard{}, k.projector);
  }
};

}  // namespace vlt
