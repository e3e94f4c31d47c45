#pragma once
#include <numeric>
#include <span>
#include <vector>
#include <vlt/nn/unit.hpp>

namespace vlt {

// Supervised positions of a packed batch: row r of the decoder's output should predict token id. Losses are summed per
// group (the data set a sample came from); no groups: all belong to group 0.
struct Targets {
  std::vector<Index> row, id;
  std::vector<int> group;
};

// What a pass over supervised tokens adds up: losses (scaled) per group, and, if asked, how often the likeliest token
// was the right one.
struct LossSums {
  std::vector<double> by_group;
  Index correct = 0;
  bool count_correct = false;

  double total() const { return std::accumulate(by_group.begin(), by_group.end(), 0.0); }
  void add(int group, double loss) {
    if (std::size_t(group) >= by_group.size()) by_group.resize(std::size_t(group) + 1);
    by_group[std::size_t(group)] += loss;
  }
};

// Nothing is upstream of pixels: a component that reads them is never asked for dx.
template <class Space> inline constexpr bool differentiable_v = !std::is_same_v<Space, space::pixels>;

// A stage of a vision-language model: tokens in, tokens out, perhaps more or fewer of them.
template <class C> concept Component = requires {
  typename C::in;
  typename C::out;
  typename C::saved;
}
&&requires(C& c, const C& k, Scope& s, typename C::in x, typename C::out y, typename C::saved& v, const Segments& b) {
  { k.out_segments(b) } -> std::same_as<Segments>;  // computed with the batch, not in the step
  { k.width() } -> std::same_as<Index>;
  {c.forward(s, x, y, v)};
  {c.backward(s, y, Discard{}, v)};
  {c.infer(s, x, y)};
};

// The language model: a component between a source (ids to rows) and a sink (rows to a loss).
template <class D>
concept Decoder = Component<D> && requires(D& d, Scope& s, typename D::in x, std::span<const Index> id,
                                           const Targets& t, double scale, LossSums& sums) {
  {d.embed(s, id, x)};
  {d.embed_backward(s, id, x)};
  {d.loss(s, x, t, scale, sums)};              // sums += scale * token losses
  {d.loss_and_grad(s, x, t, scale, x, sums)};  // ... and dx is written
};

// A layer as a component of one unit. Rows in are rows out, unless the layer says otherwise (out_segments, width).
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
  void forward(Scope& s, in x, out y, saved& k) {
    unit.use(s, [&](L& l) { l.forward(s, x, y, k); });
  }
  void infer(Scope& s, in x, out y) {
    unit.use(s, [&](L& l) { vlt::infer(s, l, x, y); });
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
