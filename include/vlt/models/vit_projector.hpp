#pragma once
#include <vlt/models/projector.hpp>
#include <vlt/nn/pre_norm_block.hpp>

namespace vlt {

// One more CLIP layer over the tower's tokens, then the baseline: the `vit` of REF 5.3.
// Names: vis_layer, projection.0, projection.1.
template <IsPolicy P, class Block = ClipBlock<P>> struct VitProjection {
  using in = stream_t<P, space::vision>;
  using out = stream_t<P, space::text>;
  using Last = LinearThenNorm<P>;
  struct saved {
    typename Block::saved vis_layer;
    typename Last::saved projection;
    Shape middle;
  };

  Block vis_layer;
  Last projection;
  static constexpr auto fields() {
    return members(member<"vis_layer">(&VitProjection::vis_layer), member<"projection">(&VitProjection::projection));
  }

  VitProjection() = default;
  VitProjection(const BlockSizes& vision, Index text_width)
      : vis_layer(vision), projection(linear_then_norm<P>(vision.width, text_width)) {
    vis_layer.attention.qkv.begin_uniform();
    vis_layer.attention.output.begin_uniform();
    vis_layer.mlp.fc1.begin_uniform();
    vis_layer.mlp.fc2.begin_uniform();
  }
  Shape out_shape(Shape i) const { return projection.out_shape(i); }

  void forward(Scope& s, in x, out y, saved& k) {
    Frame frame(s);
    k.middle = x.shape();
    auto h = s.keep_if<in>(projection.keeps_input(), x.shape(), x.segments);
    vis_layer.forward(s, x, h, k.vis_layer);
    projection.forward(s, h, y, k.projection);
  }
  template <class Dx> void backward(Scope& s, out dy, Dx dx, saved& k) {
    Frame frame(s);
    auto dh = s.temp<in>(k.middle, dy.segments);
    projection.backward(s, dy, overwrite(dh), k.projection);
    vis_layer.backward(s, dh, dx, k.vis_layer);
  }
};

template <IsPolicy P> using VitProjector = LayerComponent<VitProjection<P>>;

template <IsPolicy P> VitProjector<P> vit_projector(const BlockSizes& vision, Index text_width) {
  return {{VitProjection<P>(vision, text_width)}};
}

struct VitKind {
  static constexpr const char* name = "vit";
  static std::vector<NamedSize> folder_sizes(const ProjectorSizes& c) {
    return {{"vision_heads", c.vision_block.heads}, {"vision_mlp", c.vision_block.mlp}};
  }
  template <IsPolicy P> static VitProjector<P> make(const ProjectorSizes& c) {
    return vit_projector<P>(c.vision_block, c.text_width);
  }
};

}  // namespace vlt
