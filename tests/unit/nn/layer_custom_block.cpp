// A block whose attention knows nothing of residuals, adapters or caches: the least a user's layer may offer.
#include "check.hpp"
using namespace vlt;

namespace {

// Attention that gives every token a learned multiple of itself.
template <IsPolicy P> struct Gain {
  using in = operand_t<P, space::text>;
  using out = stream_t<P, space::text>;
  struct saved {
    in x;
  };
  param_t<P> gain;  // (1, width)
  static constexpr auto fields() { return members(member<"gain">(&Gain::gain)); }

  explicit Gain(const BlockSizes& c) : gain({1, c.width}, Role::vector, {Init::one}) {}
  Shape out_shape(Shape i) const { return i; }
  void forward(Scope& s, in x, out y, saved& k) {
    k.x = x;
    s.run("gain", ops::element_cost(y, 1, 3), [&] {
      for (Index r = 0; r < y.rows; ++r)
        for (Index c = 0; c < y.cols; ++c) y(r, c) = x(r, c) * gain.value(0, c);
    });
  }
  template <class Dx> void backward(Scope& s, out dy, Dx dx, saved& k) {
    const Cost cost = ops::element_cost(dy, 2, 3);
    if (gain.trains())
      s.run("gain_grad", cost, [&] {
        for (Index r = 0; r < dy.rows; ++r)
          for (Index c = 0; c < dy.cols; ++c) gain.grad(0, c) += dy(r, c) * k.x(r, c);
      });
    if constexpr (wanted<Dx>)
      s.run("gain_dx", cost, [&] {
        for (Index r = 0; r < dy.rows; ++r)
          for (Index c = 0; c < dy.cols; ++c)
            dx.m(r, c) = (dx.beta != 0 ? dx.m(r, c) : 0) + dy(r, c) * gain.value(0, c);
      });
  }
};

}  // namespace

TEST_CASE("a user's attention in a block") { check("Gain", LlamaBlock<Gold, mask::Causal, Gain<Gold>>(odd_sizes())); }

TEST_CASE("a block generates only if its attention does") {
  using Cache = KvCache<Gold>::Layer;
  CHECK(Decodable<LlamaBlock<Gold, mask::Causal>, Cache>);
  CHECK_FALSE(Decodable<LlamaBlock<Gold, mask::Causal, Gain<Gold>>, Cache>);
}
