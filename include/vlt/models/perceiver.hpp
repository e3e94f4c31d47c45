#pragma once
#include <vlt/models/component.hpp>
#include <vlt/nn/linear.hpp>
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
  using accum = typename P::accum;
  using table = Matrix<accum, P::device>;
  using Into = Linear<P, in, out>;
  using Inner = Linear<P, operand>;
  using ToStream = Linear<P, operand, out>;
  using Norm = LayerNorm<P, out>;
  // Image order throughout: _q rows are (images * queries), _k rows (images * patches), plain q rows (queries).
  struct saved {
    typename Into::saved kv_proj;
    typename Norm::saved ln_q, ln_kv, ln_post;
    typename Inner::saved q_proj, k_proj, v_proj;
    typename ToStream::saved out_proj, proj;
    operand q, k, v;
    table lse;
    Segments keys;
  };

  param_t<P> query;  // (grid * grid, width)
  Into kv_proj;
  Norm ln_q, ln_kv, ln_post;
  Inner q_proj, k_proj, v_proj;
  ToStream out_proj, proj;
  Index heads = 1, grid = 16;
  std::vector<accum> query_position, key_position;  // fixed tables, (grid * grid, width), (patches, width)
  static constexpr auto fields() {
    return members(member<"query">(&Perceiver::query), member<"kv_proj">(&Perceiver::kv_proj),
                   member<"attn.q_proj">(&Perceiver::q_proj), member<"attn.k_proj">(&Perceiver::k_proj),
                   member<"attn.v_proj">(&Perceiver::v_proj), member<"attn.out_proj">(&Perceiver::out_proj),
                   member<"ln_q">(&Perceiver::ln_q), member<"ln_kv">(&Perceiver::ln_kv),
                   member<"projection.0">(&Perceiver::ln_post), member<"projection.1">(&Perceiver::proj));
  }

  // patches: patch tokens per image, a square number; the tower's class token is dropped and not counted
  Perceiver(Index vision_width, Index width, Index patches, Index query_grid = 16)
      : query(Shape{query_grid * query_grid, width}),
        kv_proj(width, vision_width, true),
        ln_q(width, 1e-12),
        ln_kv(width, 1e-12),
        ln_post(width, 1e-12),
        q_proj(width, width, true),
        k_proj(width, width, true),
        v_proj(width, width, true),
        out_proj(width, width, true),
        proj(width, width, true),
        heads(std::max<Index>(1, width / 128)),
        grid(query_grid) {
    const Index key_grid = Index(std::sqrt(double(patches)) + 0.5);
    require(key_grid * key_grid == patches, "the perceiver needs a square grid of patch tokens");
    require(width % 4 == 0 && width % heads == 0,
            "the perceiver's width must be a multiple of 4 and of its number of heads");
    const auto positions = sin_cos_positions(width, grid);
    const auto resized = resize_positions(positions, width, grid, key_grid);
    query_position.assign(positions.begin(), positions.end());
    key_position.assign(resized.begin(), resized.end());
  }
  Segments out_segments(const Segments& b) const { return equal_segments(b.sequences(), grid * grid); }
  Index width() const { return query.value.cols; }

  void forward(Scope& s, in x, out y, saved& k) {
    Frame frame(s);
    const Index width = y.cols, queries = query.value.rows, patches = x.rows - x.segments->sequences();
    k.keys = equal_segments(x.segments->sequences(), patches / std::max<Index>(1, x.segments->sequences()));
    auto patch = s.keep_if<in>(kv_proj.keeps_input(), {patches, x.cols}, &k.keys);
    auto lifted = s.keep<out>({patches, width}, &k.keys), learned = s.keep<out>({queries, width}),
         mixed = s.keep<out>(y.shape(), y.segments);
    auto kv = s.keep_if<operand>(v_proj.keeps_input(), {patches, width}),
         kv_p = s.keep_if<operand>(k_proj.keeps_input(), {patches, width});
    auto n_q = s.temp<operand>({queries, width}), q_p = s.keep_if<operand>(q_proj.keeps_input(), {queries, width}),
         q_one = s.temp<operand>({queries, width});
    auto o = s.keep_if<operand>(out_proj.keeps_input(), y.shape(), y.segments),
         normed = s.keep_if<operand>(proj.keeps_input(), y.shape(), y.segments);
    k.q = s.keep<operand>(y.shape(), y.segments), k.k = s.keep<operand>({patches, width}, &k.keys),
    k.v = s.keep<operand>({patches, width}, &k.keys);
    k.lse = s.keep<table>({y.rows, heads});

    ops::drop_first<typename P::stream>(s, x, *x.segments, patch);
    kv_proj.forward(s, patch, lifted, k.kv_proj);
    ln_kv.forward(s, lifted, kv, k.ln_kv);
    ops::add_repeated(s, kv, positions(key_position, width), kv_p);
    ops::convert(s, query.value, learned);
    ln_q.forward(s, learned, n_q, k.ln_q);
    ops::add_repeated(s, n_q, positions(query_position, width), q_p);

    q_proj.forward(s, q_p, q_one, k.q_proj);  // once, whatever the number of images
    ops::repeat<typename P::operand>(s, q_one, k.q);
    k_proj.forward(s, kv_p, k.k, k.k_proj);
    v_proj.forward(s, kv, k.v, k.v_proj);
    ops::attention<mask::Bidirectional, typename P::operand>(s, sizes(k), k.q, k.k, k.v, o, k.lse);
    out_proj.forward(s, o, mixed, k.out_proj);
    ln_post.forward(s, mixed, normed, k.ln_post);
    proj.forward(s, normed, y, k.proj);
  }

  template <class Dx> void backward(Scope& s, out dy, Dx dx, saved& k) {
    Frame frame(s);
    const Index width = dy.cols, queries = query.value.rows, patches = k.k.rows;
    auto d_wide = s.temp<operand>(dy.shape(), dy.segments), dq = s.temp<operand>(dy.shape(), dy.segments);
    auto d_mixed = s.temp<out>(dy.shape(), dy.segments);
    auto dk = s.temp<operand>({patches, width}), dv = s.temp<operand>({patches, width}),
         d_kv = s.temp<operand>({patches, width});
    auto d_lifted = s.temp<out>({patches, width}, &k.keys);
    proj.backward(s, dy, overwrite(d_wide), k.proj);
    ln_post.backward(s, d_wide, overwrite(d_mixed), k.ln_post);
    out_proj.backward(s, d_mixed, overwrite(d_wide), k.out_proj);
    ops::attention_backward<mask::Bidirectional, typename P::operand>(s, sizes(k), d_wide, k.q, k.k, k.v, k.lse, dq, dk,
                                                                      dv);
    if constexpr (may_train_v<Norm>) {  // the queries' own branch ends in parameters
      auto d_one = s.temp<operand>({queries, width}), d_normed = s.temp<operand>({queries, width});
      auto d_query = s.temp<out>({queries, width});
      ops::sum_repeats<typename P::operand>(s, dq, d_one);
      q_proj.backward(s, d_one, overwrite(d_normed), k.q_proj);
      ln_q.backward(s, d_normed, overwrite(d_query), k.ln_q);
      if (query.trains()) ops::add<typename P::stream>(s, d_query, query.grad);
    }
    k_proj.backward(s, dk, overwrite(d_kv), k.k_proj);
    v_proj.backward(s, dv, accumulate(d_kv), k.v_proj);
    ln_kv.backward(s, d_kv, overwrite(d_lifted), k.ln_kv);
    if constexpr (wanted<Dx>) {
      auto d_patch = s.temp<in>({patches, dx.m.cols});
      kv_proj.backward(s, d_lifted, overwrite(d_patch), k.kv_proj);
      ops::drop_first_backward<typename P::stream>(s, d_patch, *dx.m.segments, dx.m, dx.beta);
    } else {
      kv_proj.backward(s, d_lifted, Discard{}, k.kv_proj);
    }
  }

 private:
  static table positions(std::vector<accum>& v, Index width) {
    return {v.data(), Index(v.size()) / width, width, width};
  }
  ops::AttentionShape sizes(const saved& k) const { return {heads, heads, k.q.cols / heads, k.q.segments, &k.keys}; }
};

template <IsPolicy P> using PerceiverProjector = LayerComponent<Perceiver<P>>;

}  // namespace vlt
