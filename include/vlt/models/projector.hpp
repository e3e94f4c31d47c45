#pragma once
#include <vlt/models/component.hpp>
#include <vlt/models/projector_kind.hpp>
#include <vlt/nn/linear.hpp>
#include <vlt/nn/norm.hpp>
#include <vlt/nn/sequential.hpp>

namespace vlt {

// Linear into the decoder's width, then LayerNorm (eps 1e-12).
template <IsPolicy P>
using LinearThenNorm = Sequential<Linear<P, stream_t<P, space::vision>, stream_t<P, space::text>>,
                                  LayerNorm<P, stream_t<P, space::text>, stream_t<P, space::text>>>;

template <IsPolicy P> LinearThenNorm<P> linear_then_norm(Index vision_width, Index text_width) {
  LinearThenNorm<P> layer{{text_width, vision_width, true}, {text_width, 1e-12}};
  layer.first.begin_uniform();
  return layer;
}

// The `baseline` of REF 5.3. Names: 0 (linear) and 1 (norm).
template <IsPolicy P> using BaselineProjector = LayerComponent<LinearThenNorm<P>>;

template <IsPolicy P> BaselineProjector<P> baseline_projector(Index vision_width, Index text_width) {
  return {{linear_then_norm<P>(vision_width, text_width)}};
}

struct BaselineKind {
  static constexpr const char* name = "baseline";
  template <IsPolicy P> static BaselineProjector<P> make(const ProjectorSizes& c) {
    return baseline_projector<P>(c.vision_width, c.text_width);
  }
};

}  // namespace vlt
