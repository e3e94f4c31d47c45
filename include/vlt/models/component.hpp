#pragma once
#include <vlt/models/batch.hpp>
#include <vlt/models/losses.hpp>
#include <vlt/nn/unit.hpp>

namespace vlt {

// Nothing is upstream of pixels: a component that reads them is never asked for dx.
template <class Space> inline constexpr bool differentiable_v = !std::is_same_v<Space, space::pixels>;

// Does a component lay out rows of its own between its input and its output (class tokens, keys)? Then it says how, in
// inside_segments(), and is told in forward and infer where the layout lies.
template <class C> concept HasInside = requires(const C& c, const Segments& b) {
  { c.inside_segments(b) } -> std::same_as<Segments>;
};

// A stage of a vision-language model: tokens in, tokens out, perhaps more or fewer of them. Layouts are computed with
// the batch, never in a step.
template <class C> concept Component = requires {
  typename C::in;
  typename C::out;
  typename C::saved;
}
&&requires(C& c, const C& k, Scope& s, typename C::in x, typename C::out y, typename C::saved& v, const Segments& b) {
  { k.out_segments(b) } -> std::same_as<Segments>;
  { k.width() } -> std::same_as<Index>;
  {c.backward(s, y, Discard{}, v)};
}
&&(HasInside<C> || requires(C & c, Scope& s, typename C::in x, typename C::out y, typename C::saved& v) {
  {c.forward(s, x, y, v)};
  {c.infer(s, x, y)};
});

template <class C> Segments inside_segments(const C& component, const Segments& in) {
  if constexpr (HasInside<C>) return component.inside_segments(in);
  else return {};
}
// forward() and infer() of any component; inside: the layout it asked for.
template <class C, Device D>
void forward_component(Scope& s, C& c, typename C::in x, typename C::out y, typename C::saved& k,
                       const SegmentsView<D>& inside) {
  if constexpr (HasInside<C>) c.forward(s, x, y, k, inside);
  else c.forward(s, x, y, k);
}
template <class C, Device D>
void infer_component(Scope& s, C& c, typename C::in x, typename C::out y, const SegmentsView<D>& inside) {
  if constexpr (HasInside<C>) c.infer(s, x, y, inside);
  else c.infer(s, x, y);
}

// The language model: a component between a source (ids to rows) and a sink (rows to a loss).
template <class L>
concept Decoder = Component<L> &&
    requires(L& l, Scope& s, typename L::in x, IndexView<L::in::device> id, const TargetsView<L::in::device>& t,
             double scale, LossAccumulator<L::in::device>& sums) {
  {l.embed(s, id, x)};
  {l.embed_backward(s, id, x)};
  {l.loss(s, x, t, scale, sums)};              // sums += scale * token losses
  {l.loss_and_grad(s, x, t, scale, x, sums)};  // ... and dx is written
};

// A layer as a component of one unit. Rows in are rows out, unless the layer says otherwise (out_segments, width); it
// may have an inside as well.
template <class L> struct LayerComponent {
  using element = L;
  using in = typename L::in;
  using out = typename L::out;
  using saved = typename L::saved;

  Unit<L> unit;

  Segments out_segments(const Segments& b) const {
    if constexpr (requires { unit.layer.out_segments(b); }) return unit.layer.out_segments(b);
    else return b;
  }
  Index width() const {
    if constexpr (requires { unit.layer.width(); }) return unit.layer.width();
    else return unit.layer.out_shape({}).cols;
  }
  Segments inside_segments(const Segments& b) const requires HasInside<L> { return unit.layer.inside_segments(b); }
  template <class... Inside> void forward(Scope& s, in x, out y, saved& k, const Inside&... inside) {
    unit.use(s, [&](L& l) { l.forward(s, x, y, k, inside...); });
  }
  template <class... Inside> void infer(Scope& s, in x, out y, const Inside&... inside) {
    unit.use(s, [&](L& l) { vlt::infer(s, l, x, y, inside...); });
  }
  template <class Dx> void backward(Scope& s, out dy, Dx dx, saved& k) {
    unit.finish(s, [&](L& l) { l.backward(s, dy, dx, k); });
  }
  template <class R> void collect(R& registry, const std::string& path) { vlt::collect(unit, registry, path); }
  bool trains() const { return unit.trains(); }
};

// Stands in for a vision tower whose features are given: computed once and cached, or made by another program.
template <IsPolicy P> struct GivenFeatures {
  using in = stream_t<P, space::vision>;
  using out = in;
  struct saved {};

  Index features = 0;
  static constexpr auto fields() { return members(); }

  Segments out_segments(const Segments& b) const { return b; }
  Index width() const { return features; }
  void forward(Scope& s, in x, out y, saved&) { ops::convert(s, x, y); }
  void infer(Scope& s, in x, out y) { ops::convert(s, x, y); }
  template <class Dx> void backward(Scope&, out, Dx, saved&) {}
};

}  // namespace vlt
