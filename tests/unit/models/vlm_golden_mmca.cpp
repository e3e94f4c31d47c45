// Multi-modal causal attention and the projector `vit`, which only this library has: torch wrote them from formulas.
#include <unit/models/golden_model.hpp>
#include <vlt/hub/model_config.hpp>
#include <vlt/models/clip_vit.hpp>
#include <vlt/models/llama.hpp>
#include <vlt/models/vit_projector.hpp>
using namespace vlt;

TEST_CASE("MMCA and the projector vit give the loss, logits and gradients of plain torch", "[golden]") {
  using P = Policy<under_test, Precision::f32>;
  const GoldenModel golden("mmca");
  const LlamaSizes language = hub::parse_llama_config(golden.config("language"), "language").sizes;
  const ClipSizes vision = hub::parse_clip_config(golden.config("vision"), "vision").sizes;
  using Model = Vlm<ClipVit<P>, VitProjector<P>, LlamaDecoder<P, LlamaBlock<P, mask::Mmca>>>;
  check_golden(Model{ClipVit<P>(vision), vit_projector<P>(vision.block, language.block.width),
                     LlamaDecoder<P, LlamaBlock<P, mask::Mmca>>(language)},
               golden, 18);
}
