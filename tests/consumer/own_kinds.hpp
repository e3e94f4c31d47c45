#pragma once
#include <instances/kinds.hpp>
#include "previous_token.hpp"

// quote: projector
// A projector of our own, the mirror image of `baseline`: normalises what the tower says, then maps it to the decoder's
// width. It has a name on the command line and in folders, and a component to make.
struct NormFirst {
  static constexpr const char* name = "norm_first";
  template <vlt::IsPolicy P>
  using Layer =
      vlt::Sequential<vlt::LayerNorm<P, vlt::stream_t<P, vlt::space::vision>>,
                      vlt::Linear<P, vlt::operand_t<P, vlt::space::vision>, vlt::stream_t<P, vlt::space::text>>>;
  template <vlt::IsPolicy P> static vlt::LayerComponent<Layer<P>> make(const vlt::ProjectorSizes& c) {
    return {{Layer<P>{{c.vision_width, 1e-5}, {c.text_width, c.vision_width, true}}}};
  }
};
// end of quote

// quote: family
// A family of decoders of our own: folders whose config.json says `"model_type": "previous_token"`, with the keys of a
// LLaMA, have blocks whose attention is ours.
struct PreviousTokenFamily {
  static constexpr const char* name = "previous_token";
  static vlt::hub::FamilyFacts facts() { return {name, {"previous_token"}, vlt::hub::read_llama_keys}; }
  template <vlt::IsPolicy P, class Mask> using Block = vlt::LlamaBlock<P, Mask, PreviousToken<P>>;
};
// end of quote

// What our programs can do: what CMake was told to compile in, and these two. Defined in one file, which makes their
// code.
vlt::program::Kinds<vlt::Build> own_kinds();
