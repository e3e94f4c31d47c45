#pragma once
#include <cmath>
#include <vlt/models/component.hpp>
#include <vlt/models/projector_kind.hpp>
#include <vlt/models/sizes.hpp>
#include <vlt/nn/linear.hpp>
#include <vlt/ops/activation.hpp>
#include <vlt/ops/rows.hpp>

namespace vlt {

// y = linear_2(gelu(linear_1(x))): LLaVA's projector, `mlp`. Names: linear_1, linear_2. With image_newline the output
// has one more row, the last: that parameter, for the batch's layouts to put behind the lines of a grid of tiles.
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
  param_t<P> image_newline;  // (1, text width), or absent
  static constexpr auto fields() {
    return members(member<"linear_1">(&MlpProjection::linear_1), member<"linear_2">(&MlpProjection::linear_2),
                   member<"image_newline">(&MlpProjection::image_newline));
  }

  MlpProjection() = default;
  MlpProjection(Index vision_width, Index text_width, MlpOptions options = {})
      : linear_1(text_width, vision_width, options.bias), linear_2(text_width, text_width, options.bias) {
    linear_1.begin_uniform();
    linear_2.begin_uniform();
    if (options.newline)
      image_newline.reshape({1, text_width}, Role::vector, {Init::normal, 1 / std::sqrt(double(text_width))});
  }
  Shape out_shape(Shape i) const { return {i.rows + newlines(), linear_2.out_shape(i).cols}; }
  Segments out_segments(Segments b) const {
    if (newlines() > 0) b.append(newlines(), TokenKind::image);
    return b;
  }
  Index width() const { return linear_2.out_shape({}).cols; }
  bool keeps_input() const { return linear_1.keeps_input(); }

  void forward(Scope& s, in x, out y, saved& k) {
    Frame frame(s);
    k.hidden = s.keep<inner>(linear_1.out_shape(x.shape()), x.segments);
    auto active = s.keep_if<inner>(linear_2.keeps_input(), k.hidden.shape(), x.segments);
    linear_1.forward(s, x, k.hidden, k.first);
    ops::activation(s, Activation::gelu, k.hidden, active);
    linear_2.forward(s, active, row_range(y, 0, x.rows), k.second);
    if (newlines() > 0) ops::gather_rows(s, image_newline.value, the_row, row_range(y, x.rows, 1));
  }
  template <class Dx> void backward(Scope& s, out dy, Dx dx, saved& k) {
    Frame frame(s);
    auto d = s.temp<inner>(k.hidden.shape(), dy.segments);
    linear_2.backward(s, row_range(dy, 0, k.hidden.rows), overwrite(d), k.second);
    if constexpr (param_t<P>::may_train)
      if (image_newline.trains())
        ops::scatter_add_rows(s, row_range(dy, k.hidden.rows, 1), the_row, image_newline.grad);
    ops::activation_backward(s, Activation::gelu, d, k.hidden, d, 0);  // elementwise: in place
    linear_1.backward(s, d, dx, k.first);
  }

 private:
  static constexpr Index the_row[1] = {0};
  Index newlines() const { return image_newline.exists() ? 1 : 0; }
};

template <IsPolicy P> using MlpProjector = LayerComponent<MlpProjection<P>>;

template <IsPolicy P> MlpProjector<P> mlp_projector(Index vision_width, Index text_width, MlpOptions options = {}) {
  return {{MlpProjection<P>(vision_width, text_width, options)}};
}

struct MlpKind {
  static constexpr const char* name = "mlp";
  template <IsPolicy P> static MlpProjector<P> make(const ProjectorSizes& c) {
    return mlp_projector<P>(c.vision_width, c.text_width, c.mlp);
  }
};

}  // namespace vlt
