#pragma once
#include <vlt/models/component.hpp>
#include <vlt/nn/linear.hpp>
#include <vlt/nn/norm.hpp>
#include <vlt/nn/sequential.hpp>
#include <vlt/ops/activation.hpp>

namespace vlt {

// Linear into the decoder's width, then LayerNorm (eps 1e-12): the `baseline` of REF 5.3. Names: projection.0,
// projection.1.
template <IsPolicy P>
using BaselineProjector = LayerComponent<Sequential<Linear<P, stream_t<P, space::vision>, stream_t<P, space::text>>,
                                                    LayerNorm<P, stream_t<P, space::text>, stream_t<P, space::text>>>>;

template <IsPolicy P> BaselineProjector<P> baseline_projector(Index vision_width, Index text_width) {
  BaselineProjector<P> p;
  p.unit.layer.first = {text_width, vision_width, true};
  p.unit.layer.second = {text_width, 1e-12};
  return p;
}

}  // namespace vlt
