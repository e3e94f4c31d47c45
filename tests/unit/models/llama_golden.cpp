// CLIP, LLaVA's projector and a LLaMA with grouped queries, biases, a tied head and the rotary positions of LLaMA 3.
#include <unit/models/golden_model.hpp>
#include <vlt/hub/model_config.hpp>
#include <vlt/models/clip_vit.hpp>
#include <vlt/models/llama.hpp>
#include <vlt/models/mlp_projector.hpp>
using namespace vlt;

TEST_CASE("CLIP and LLaMA give the loss, logits and gradients of transformers", "[golden]") {
  using P = Policy<under_test, Precision::f32>;
  const GoldenModel golden("llama");
  const LlamaSizes language = hub::parse_llama_config(golden.config("language"), "language").sizes;
  const ClipSizes vision = hub::parse_clip_config(golden.config("vision"), "vision").sizes;
  using Model = Vlm<ClipVit<P>, MlpProjector<P>, LlamaDecoder<P>>;
  check_golden(
      Model{ClipVit<P>(vision), mlp_projector<P>(vision.block.width, language.block.width), LlamaDecoder<P>(language)},
      golden, 18);
}
