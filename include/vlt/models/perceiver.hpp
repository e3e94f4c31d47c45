#pragma once
#include <vlt/models/component.hpp>
#include <vlt/models/packed_projection.hpp>
#include <vlt/models/projector_kind.hpp>
#include <vlt/models/sizes.hpp>
#include <vlt/nn/norm.hpp>
#include <vlt/ops/attention.hpp>
#include <vlt/ops/positions.hpp>

namespace vlt {

// A resampler (REF 5.3): learned queries read the patch tokens of their image by cross attention; every image becomes
// grid * grid tokens. Query rows and key rows differ in number, so each has its own Segments.
template <IsPolicy P> struct Perceiver {
  using in = stream_t<P, space::vision>;
  using out = stream_t<P, space::text>;
  using operand = operand_t<P, space::text>;
  using number = typename P::operand;
  using stream = typename P::stream;
  using accum = typename P::accum;
  using table = Matrix<accum, P::device>;
  using Into = Linear<P, in, out>;
  using ToStream = Linear<P, operand, out>;
  using Norm = LayerNorm<P, out>;
  // Image order throughout: q and o are (images * queries), k and v (images * patches), q_p (queries).
  struct saved {
    typename Into::saved kv_proj;
    typename Norm::saved ln_q, ln_kv, ln_post;
    typename ToStream::saved out_proj, proj;
    operand q_p, kv, kv_p, q, k, v;
    table lse;
  };

  param_t<P> query;  // (grid * grid, width)
  Into kv_proj;
  Norm ln_q, ln_kv, ln_post;
  PackedProjection<P> in_proj;
  ToStream out_proj, proj;
  Index heads = 1, grid = 16;
  bool class_token = true;
  std::vector<accum> query_position, key_position;  // fixed tables, (grid * grid, width), (patches, width)
  Segments keys;                                    // the patch tokens of the batch in hand
  static constexpr auto fields() {
    return members(member<"query">(&Perceiver::query), member<"kv_proj">(&Perceiver::kv_proj),
                   member<"attn">(&Perceiver::in_proj), member<"attn.out_proj">(&Perceiver::out_proj),
                   member<"ln_q">(&Perceiver::ln_q), member<"ln_kv">(&Perceiver::ln_kv),
                   member<"projection.0">(&Perceiver::ln_post), member<"projection.1">(&Perceiver::proj));
  }

  Perceiver() = default;
  explicit Perceiver(const PerceiverSizes& c)
      : query({c.queries(), c.text_width}, Role::table, initial_matrix),
        kv_proj(c.text_width, c.vision_width, true),
        ln_q(c.text_width, 1e-12),
        ln_kv(c.text_width, 1e-12),
        ln_post(c.text_width, 1e-12),
        in_proj(c.text_width),
        out_proj(c.text_width, c.text_width, true),
        proj(c.text_width, c.text_width, true),
        heads(c.heads()),
        grid(c.query_grid),
        class_token(c.class_token) {
    const Index width = c.text_width, key_grid = c.patch_grid();
    require(key_grid > 0, "the perceiver needs a square grid of patch tokens");
    require(c.fits_heads(), "the perceiver's width must be a multiple of 4 and of its number of heads");
    const auto positions = sin_cos_positions(width, grid);
    const auto resized = resize_positions(positions, width, grid, key_grid);
    query_position.assign(positions.begin(), positions.end());
    key_position.assign(resized.begin(), resized.end());
  }
  Segments out_segments(const Segments& b) const { return equal_segments(b.sequences(), grid * grid); }
  Index width() const { return query.value.cols; }

  void forward(Scope& s, in x, out y, saved& k) {
    Frame frame(s);
    const Index width = y.cols, queries = query.value.rows, patches = enter(x);
    auto patch = s.keep_if<in>(kv_proj.keeps_input(), {patches, x.cols}, &keys);
    auto lifted = s.keep<out>({patches, width}, &keys), learned = s.keep<out>({queries, width});
    auto mixed = s.keep<out>(y.shape(), y.segments);
    k.kv = s.keep_if<operand>(in_proj.keeps_input(), {patches, width});
    k.kv_p = s.keep_if<operand>(in_proj.keeps_input(), {patches, width});
    k.q_p = s.keep_if<operand>(in_proj.keeps_input(), {queries, width});
    auto n_q = s.temp<operand>({queries, width}), q_one = s.temp<operand>({queries, width});
    auto o = s.keep_if<operand>(out_proj.keeps_input(), y.shape(), y.segments);
    auto normed = s.keep_if<operand>(proj.keeps_input(), y.shape(), y.segments);
    k.q = s.keep<operand>(y.shape(), y.segments);
    k.k = s.keep<operand>({patches, width}, &keys), k.v = s.keep<operand>({patches, width}, &keys);
    k.lse = s.keep<table>({y.rows, heads});

    if (class_token) ops::drop_first(s, x, *x.segments, patch);
    else ops::convert(s, x, patch);
    kv_proj.forward(s, patch, lifted, k.kv_proj);
    ln_kv.forward(s, lifted, k.kv, k.ln_kv);
    ops::add_repeated(s, k.kv, positions(key_position, width), k.kv_p);
    ops::convert(s, query.value, learned);
    ln_q.forward(s, learned, n_q, k.ln_q);
    ops::add_repeated(s, n_q, positions(query_position, width), k.q_p);

    in_proj.forward(s, 0, k.q_p, q_one);  // once, whatever the number of images
    ops::repeat(s, q_one, k.q);
    in_proj.forward(s, 1, k.kv_p, k.k);
    in_proj.forward(s, 2, k.kv, k.v);
    ops::attention<mask::Bidirectional>(s, sizes(k), k.q, k.k, k.v, o, k.lse);
    out_proj.forward(s, o, mixed, k.out_proj);
    ln_post.forward(s, mixed, normed, k.ln_post);
    proj.forward(s, normed, y, k.proj);
  }

  template <class Dx> void backward(Scope& s, out dy, Dx dx, saved& k) {
    Frame frame(s);
    const Index width = dy.cols, patches = k.k.rows;
    auto d_wide = s.temp<operand>(dy.shape(), dy.segments), dq = s.temp<operand>(dy.shape(), dy.segments);
    auto d_mixed = s.temp<out>(dy.shape(), dy.segments);
    auto dk = s.temp<operand>({patches, width}), dv = s.temp<operand>({patches, width});
    auto d_kv = s.temp<operand>({patches, width});
    auto d_lifted = s.temp<out>({patches, width}, &keys);
    proj.backward(s, dy, overwrite(d_wide), k.proj);
    ln_post.backward(s, d_wide, overwrite(d_mixed), k.ln_post);
    out_proj.backward(s, d_mixed, overwrite(d_wide), k.out_proj);
    ops::attention_backward<mask::Bidirectional>(s, sizes(k), d_wide, k.q, k.k, k.v, k.lse, dq, dk, dv);
    if constexpr (may_train_v<Norm>) query_backward(s, dq, k);  // the queries' own branch ends in parameters
    in_proj.backward(s, 1, dk, k.kv_p, overwrite(d_kv));
    in_proj.backward(s, 2, dv, k.kv, accumulate(d_kv));
    ln_kv.backward(s, d_kv, overwrite(d_lifted), k.ln_kv);
    if constexpr (wanted<Dx>) {
      auto d_patch = s.temp<in>({patches, dx.m.cols});
      kv_proj.backward(s, d_lifted, overwrite(d_patch), k.kv_proj);
      if (class_token) ops::drop_first_backward(s, d_patch, *dx.m.segments, dx.m, dx.beta);
      else if (dx.beta != 0) ops::add(s, d_patch, dx.m);
      else ops::convert(s, d_patch, dx.m);
    } else {
      kv_proj.backward(s, d_lifted, Discard{}, k.kv_proj);
    }
  }

 private:
  // How many patch tokens x holds; `keys` becomes their layout.
  Index enter(in x) {
    const Index images = x.segments->sequences(), patches = x.rows - (class_token ? images : 0);
    assign_equal(keys, images, images > 0 ? patches / images : 0);
    return patches;
  }
  void query_backward(Scope& s, operand dq, saved& k) {
    Frame frame(s);
    const Shape one = query.value.shape();
    auto d_one = s.temp<operand>(one), d_normed = s.temp<operand>(one);
    auto d_query = s.temp<out>(one);
    ops::sum_repeats(s, dq, d_one);
    in_proj.backward(s, 0, d_one, k.q_p, overwrite(d_normed));
    ln_q.backward(s, d_normed, overwrite(d_query), k.ln_q);
    if (query.trains()) ops::add(s, d_query, query.grad);
  }
  static table positions(std::vector<accum>& v, Index width) {
    return borrow_host<table>(v.data(), Index(v.size()) / width, width);
  }
  ops::AttentionShape sizes(const saved& k) const { return {heads, heads, k.q.cols / heads, k.q.segments, &keys}; }
};

template <IsPolicy P> using PerceiverProjector = LayerComponent<Perceiver<P>>;

template <IsPolicy P> PerceiverProjector<P> perceiver_projector(const PerceiverSizes& c) { return {{Perceiver<P>(c)}}; }

struct PerceiverKind {
  static constexpr const char* name = "perceiver";
  static PerceiverSizes sizes(const ProjectorSizes& c) {
    return {c.vision_width, c.text_width, c.patches, c.class_token};
  }
  static Index tokens_per_image(const ProjectorSizes& c) { return sizes(c).queries(); }
  // What it cannot divide or resize (REF 5.3).
  static std::optional<Misfit> misfit(const ProjectorSizes& c) {
    const PerceiverSizes s = sizes(c);
    if (!s.fits_heads())
      return Misfit{"it does not fit the width of the language model",
                    "a multiple of 4 and of its " + std::to_string(s.heads()) + " heads", std::to_string(s.text_width)};
    if (s.patch_grid() == 0)
      return Misfit{"it needs a square grid of patches", "a square number", std::to_string(s.patches)};
    return std::nullopt;
  }
  static std::vector<NamedSize> folder_sizes(const ProjectorSizes& c) {
    return {{"queries", sizes(c).queries()}, {"patches", c.patches}};
  }
  template <IsPolicy P> static PerceiverProjector<P> make(const ProjectorSizes& c) {
    return perceiver_projector<P>(sizes(c));
  }
};

}  // namespace vlt
