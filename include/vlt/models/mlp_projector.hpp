#pragma once
#include <vlt/models/component.hpp>
#include <vlt/nn/linear.hpp>
#include <vlt/ops/activation.hpp>

namespace vlt {

// y = linear_2(gelu(linear_1(x))): LLaVA-1.5's projector, `mlp`. Names: linear_1, linear_2.
template <IsPolicy P> struct MlpProjection {
  using in = stream_t<P, space::vision>;
  using out = stream_t<P, space::text>;
  using inner = operand_t<P, space::text>;
  using First = Linear<P, in, inner>;
  using Second = Linear<P, inner, out>;
  struct saved {
    typename First::saved first;
    typename Second::saved second;
    inner hidden;
  };

  First linear_1;
  Second linear_2;
  static constexpr auto fields() {
    return members(member<"linear_1">(&MlpProjection::linear_1), member<"linear_2">(&MlpProjection::linear_2));
  }

  MlpProjection() = default;
  MlpProjection(Index vision_width, Index text_width, bool with_bias = true)
      : linear_1(text_width, vision_width, with_bias), linear_2(text_width, text_width, with_bias) {
    linear_1.begin_uniform();
    linear_2.begin_uniform();
  }
  Shape out_shape(Shape i) const { return linear_2.out_shape(i); }
  bool keeps_input() const { return linear_1.keeps_input(); }

  void forward(Scope& s, in x, out y, saved& k) {
    Frame frame(s);
    k.hidden = s.keep<inner>(linear_1.out_shape(x.shape()), x.segments);
    auto active = s.keep_if<inner>(linear_2.keeps_input(), k.hidden.shape(), x.segments);
    linear_1.forward(s, x, k.hidden, k.first);
    ops::activation<typename P::operand>(s, Activation::gelu, k.hidden, active);
    linear_2.forward(s, active, y, k.second);
  }
  template <class Dx> void backward(Scope& s, out dy, Dx dx, saved& k) {
    Frame frame(s);
    auto d = s.temp<inner>(k.hidden.shape(), dy.segments);
    linear_2.backward(s, dy, overwrite(d), k.second);
    ops::activation_backward<typename P::operand>(s, Activation::gelu, d, k.hidden, d, 0);  // elementwise: in place
    linear_1.backward(s, d, dx, k.first);
  }
};

template <IsPolicy P> using MlpProjector = LayerComponent<MlpProjection<P>>;

template <IsPolicy P> MlpProjector<P> mlp_projector(Index vision_width, Index text_width, bool with_bias = true) {
  return {{MlpProjection<P>(vision_width, text_width, with_bias)}};
}

}  // namespace vlt
