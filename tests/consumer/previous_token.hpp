#pragma once
#include <vlt/models/llama.hpp>

// An attention of our own: every token reads the one before it, through two linear layers.
template <vlt::IsPolicy P> struct PreviousToken {
  using in = vlt::operand_t<P, vlt::space::text>;
  using out = vlt::stream_t<P, vlt::space::text>;
  using Value = vlt::Linear<P>;
  using Output = vlt::Linear<P, in, out>;
  using Cached = vlt::KvLayer<typename P::operand, P::device>;
  struct saved {
    typename Value::saved value;
    typename Output::saved output;
    in before;
  };

  Value v_proj;
  Output o_proj;
  static constexpr auto fields() {
    return vlt::members(vlt::member<"v_proj">(&PreviousToken::v_proj), vlt::member<"o_proj">(&PreviousToken::o_proj));
  }
  explicit PreviousToken(const vlt::BlockSizes& c) : v_proj(c.width, c.width, false), o_proj(c.width, c.width, false) {}
  vlt::Shape out_shape(vlt::Shape i) const { return i; }
  vlt::Index kv_width() const { return v_proj.out_shape({}).cols; }

  void forward(vlt::Scope& s, in x, out y, saved& k) {
    vlt::Frame frame(s);
    k.before = s.keep<in>(x.shape(), x.segments);
    auto v = s.temp<in>(x.shape(), x.segments);
    v_proj.forward(s, x, v, k.value);
    shift(s, v, k.before, -1);
    o_proj.forward(s, k.before, y, k.output);
  }
  template <class Dx> void backward(vlt::Scope& s, out dy, Dx dx, saved& k) {
    vlt::Frame frame(s);
    auto d_before = s.temp<in>(dy.shape(), dy.segments), dv = s.temp<in>(dy.shape(), dy.segments);
    o_proj.backward(s, dy, vlt::overwrite(d_before), k.output);
    shift(s, d_before, dv, 1);
    v_proj.backward(s, dv, dx, k.value);
  }
  // Answers: the next rows of a sequence, of which the cache's keys remember what the earlier ones said.
  void extend(vlt::Scope& s, in x, out y, Cached cache) {
    vlt::Frame frame(s);
    auto v = s.temp<in>(x.shape(), x.segments), before = s.temp<in>(x.shape(), x.segments);
    vlt::infer(s, v_proj, x, v);
    const vlt::Index first = cache.seen.rows() - x.rows;
    s.run("previous_row", vlt::ops::element_cost(v, 0, 2), [&] {
      for (vlt::Index t = 0; t < x.rows; ++t)
        for (vlt::Index c = 0; c < v.cols; ++c) {
          before(t, c) = first + t > 0 ? cache.k(first + t - 1, c) : typename P::operand{};
          cache.k(first + t, c) = v(t, c);
        }
    });
    vlt::infer(s, o_proj, before, y);
  }

 private:
  // quote: op
  // y(t) = x(t + by) within a sequence, zero beyond its ends.
  static void shift(vlt::Scope& s, in x, in y, vlt::Index by) {
    s.run("shift", vlt::ops::element_cost(y, 0, 2), [&] {
      for (vlt::Index q = 0; q < y.segments.sequences(); ++q)
        for (vlt::Index t = y.segments.begin(q); t < y.segments.end(q); ++t)
          for (vlt::Index c = 0; c < y.cols; ++c) {
            const bool inside = t + by >= y.segments.begin(q) && t + by < y.segments.end(q);
            y(t, c) = inside ? x(t + by, c) : typename P::operand{};
          }
    });
  }
  // end of quote
};
