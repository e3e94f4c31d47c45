#pragma once
#include <vlt/nn/kv_cache.hpp>
#include <vlt/nn/layer.hpp>

namespace vlt {

// Keeps only its input; backward() runs the body's forward() again: memory traded for one more forward pass.
template <class Body> struct Checkpoint {
  static_assert(check_layer<Body>::ok);
  using element = Body;
  using in = typename Body::in;
  using out = typename Body::out;
  struct saved {
    in x;
  };

  Body body;
  static constexpr auto fields() { return members(member<"">(&Checkpoint::body)); }

  Checkpoint() = default;
  template <class Sizes> explicit Checkpoint(const Sizes& c) : body(c) {}
  Shape out_shape(Shape i) const { return body.out_shape(i); }

  void forward(Scope& s, in x, out y, saved& k) {
    k.x = x;
    infer(s, body, x, y);
  }
  template <class Dx> void backward(Scope& s, out dy, Dx dx, saved& k) {
    Frame frame(s);
    const auto mark = s.arena().mark();
    typename Body::saved again;
    body.forward(s, k.x, s.temp<out>(dy.shape(), dy.segments), again);
    body.backward(s, dy, dx, again);
    s.arena().release_keep(mark);
  }

  Index kv_width() const requires requires(const Body& b) { b.kv_width(); }
  { return body.kv_width(); }
  template <class Cache> void extend(Scope& s, in x, out y, Cache cache) requires Decodable<Body, Cache> {
    body.extend(s, x, y, cache);
  }
};

}  // namespace vlt
