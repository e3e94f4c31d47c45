#pragma once
#include <vlt/models/component.hpp>
#include <vlt/models/splice.hpp>
#include <vlt/ops/rows.hpp>

namespace vlt {

// Vision tower, projector, decoder. Each may be a concrete component or AnyComponent / AnyDecoder.
template <class Vision, class Projector, class Language> struct Vlm {
  static_assert(seam<Vision, Projector>::ok && seam<Projector, Language>::ok);
  static_assert(Component<Vision> && Component<Projector> && Decoder<Language>);
  using pixels = typename Vision::in;
  using features = typename Vision::out;
  using tokens = typename Language::in;
  static constexpr Device device = tokens::device;
  using host_pixels = host_form_t<pixels>;
  using View = BatchView<device>;
  using Losses = LossAccumulator<device>;
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
    Batch b = batch_of(std::move(images));
    splice(samples, group, image_id, b, layouts);
    return b;
  }
  // A batch without text yet: what the images become on their way to the decoder.
  Batch batch_of(Segments images) const {
    Batch b;
    b.images = std::move(images);
    b.inside_tower = inside_segments(vision, b.images), b.features = vision.out_segments(b.images);
    b.inside_projector = inside_segments(projector, b.features), b.image_tokens = projector.out_segments(b.features);
    return b;
  }

  // Lets the tower see only the tiles whose features are not known, or, if `tower` is false, none. values: see
  // KnownFeatures; they must stay.
  void know_features(Batch& b, const std::vector<bool>& known, float* values, bool tower) const {
    require(Index(known.size()) == b.features.sequences(), "of every tile it is said whether its features are known");
    KnownFeatures k{values, {}, {}, tower};
    Index tiles = 0, made = 0;
    for (Index t = 0; t < b.features.sequences(); ++t) {
      const bool is_known = known[std::size_t(t)];
      tiles += !is_known;
      for (Index r = b.features.begin(t); r < b.features.end(t); ++r) k.row.push_back(is_known ? -1 : made++);
    }
    require(tower || tiles == 0, "a tower that does not run makes no features");
    Segments seen;
    seen.append(tiles, TokenKind::image);
    k.made = vision.out_segments(seen);
    b.images = std::move(seen), b.inside_tower = inside_segments(vision, b.images);
    b.known = std::move(k);
  }

  // Each of these takes a micro-batch as the host holds it, and first of all brings it to the device.

  // Adds scale * (sum of token losses) and all parameter gradients. Every unit is visited whatever the batch holds:
  // the order of collectives is the model's, not the data's.
  void forward_backward(Scope& s, host_pixels x, const Batch& batch, double scale, saved& k, Losses& sums) {
    const auto mark = s.arena().mark();
    Frame frame(s);
    const Input in(s, x, batch);
    const View& b = in.batch;
    const Shape text{b.text.rows(), language.width()}, image{b.image_tokens.rows(), language.width()};
    auto f = s.keep<features>({b.features.rows(), vision.width()}, b.features);
    auto h = s.keep<tokens>(text, b.text), y = s.keep<tokens>(text, b.text);
    run_vision(s, in, f, k);
    {
      Frame inner(s);
      auto t = s.temp<tokens>(image, b.image_tokens);
      forward_component(s, projector, f, t, k.projector, b.inside_projector);
      language.embed(s, b.id, h);
      ops::gather_rows(s, t, b.image_row, h);
    }
    language.forward(s, h, y, k.language);
    auto dy = s.temp<tokens>(text, b.text), dh = s.temp<tokens>(text, b.text),
         dt = s.temp<tokens>(image, b.image_tokens);
    language.loss_and_grad(s, y, b.targets, scale, dy, sums);
    language.backward(s, dy, overwrite(dh), k.language);
    language.embed_backward(s, b.id, dh);
    ops::fill(s, dt, 0);
    ops::scatter_add_rows(s, dh, b.image_row, dt);
    vision_backward(s, f, dt, k);
    s.arena().release_keep(mark);
  }

  // The loss alone, in the memory of one block.
  void evaluate(Scope& s, host_pixels x, const Batch& batch, double scale, Losses& sums) {
    Frame frame(s);
    const Input in(s, x, batch);
    auto y = s.temp<tokens>({batch.text.rows(), language.width()}, in.batch.text);
    infer_text(s, in, y);
    language.loss(s, y, in.batch.targets, scale, sums);
  }
  // The decoder's output before its head, (rows of the text, width).
  void hidden(Scope& s, host_pixels x, const Batch& batch, tokens y) {
    Frame frame(s);
    infer_text(s, Input(s, x, batch), y);
  }
  // The decoder's input, (rows of the text, width): embeddings with the images' tokens in their places.
  void embed_prompt(Scope& s, host_pixels x, const Batch& batch, tokens h) {
    Frame frame(s);
    infer_input(s, Input(s, x, batch), h);
  }

  template <class R> void collect(R& registry, const std::string& path) {
    registry.component = ComponentKind::vision, vlt::collect(vision, registry, path);
    registry.component = ComponentKind::projector, vlt::collect(projector, registry, join(path, "projection"));
    registry.component = ComponentKind::language, vlt::collect(language, registry, path);
  }

 private:
  struct Input {  // a micro-batch on the device
    View batch;
    pixels x;
    const KnownFeatures* known;
    Input(Scope& s, const host_pixels& on_host, const Batch& b)
        : batch(s, b), x(upload<pixels>(s, on_host)), known(b.known ? &*b.known : nullptr) {
      x.segments = batch.images;
    }
  };

  void run_vision(Scope& s, const Input& in, features f, saved& k) {
    if constexpr (may_train_v<Vision>)
      if (vlt::trains(vision)) {
        require(!in.known, "features of a tower that trains are not known");
        return forward_component(s, vision, in.x, f, k.vision, in.batch.inside_tower);
      }
    infer_vision(s, in, f);
  }
  void infer_vision(Scope& s, const Input& in, features f) {
    const View& b = in.batch;
    if (!in.known) return infer_component(s, vision, in.x, f, b.inside_tower);
    if constexpr (std::is_same_v<typename features::value_type, float>) {
      Frame frame(s);
      ops::convert(s, upload<features>(s, borrow_host<host_form_t<features>>(in.known->values, f.rows, f.cols)), f);
      if (!in.known->tower) return;
      auto made = s.temp<features>({b.made_features.rows(), f.cols}, b.made_features);
      infer_component(s, vision, in.x, made, b.inside_tower);
      ops::gather_rows(s, made, b.made_row, f);
      download(s, f, std::span(in.known->values, std::size_t(f.size())));
    } else throw std::invalid_argument("features are kept in single precision");
  }
  void vision_backward(Scope& s, features f, tokens dt, saved& k) {
    if constexpr (may_train_v<Vision>)
      if (vlt::trains(vision)) {
        auto df = s.temp<features>(f.shape(), f.segments);
        projector.backward(s, dt, overwrite(df), k.projector);
        return vision.backward(s, df, Discard{}, k.vision);
      }
    projector.backward(s, dt, Discard{}, k.projector);
  }
  void infer_input(Scope& s, const Input& in, tokens h) {
    Frame frame(s);
    const View& b = in.batch;
    auto f = s.temp<features>({b.features.rows(), vision.width()}, b.features);
    auto t = s.temp<tokens>({b.image_tokens.rows(), language.width()}, b.image_tokens);
    infer_vision(s, in, f);
    infer_component(s, projector, f, t, b.inside_projector);
    language.embed(s, b.id, h);
    ops::gather_rows(s, t, b.image_row, h);
  }
  void infer_text(Scope& s, const Input& in, tokens y) {
    Frame frame(s);
    y.segments = in.batch.text;
    auto h = s.temp<tokens>(y.shape(), in.batch.text);
    infer_input(s, in, h);
    language.infer(s, h, y);
  }
};

}  // namespace vlt
