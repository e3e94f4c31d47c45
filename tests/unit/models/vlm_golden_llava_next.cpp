// LLaVA-NeXT: pictures of several tiles, image_newline, a Qwen2 decoder with dynamic rotary positions.
#include <unit/models/golden_model.hpp>
#include <vlt/hub/llava_config.hpp>
#include <vlt/image/picture_rules.hpp>
#include <vlt/models/clip_vit.hpp>
#include <vlt/models/llama.hpp>
#include <vlt/models/mlp_projector.hpp>
using namespace vlt;

TEST_CASE("LLaVA-NeXT gives the loss, logits and gradients of transformers", "[golden]") {
  using P = Policy<under_test, Precision::f32>;
  const GoldenModel golden("llava_next");
  const hub::LlavaConfig c = hub::parse_llava_config(golden.config("llava"), "llava");
  ClipSizes vision = c.vision.sizes;
  vision.depth += 1 + c.vision_feature_layer, vision.drop_class = true;
  image::ClipProcessorFile processor;
  processor.crop = int(vision.image), processor.grid = c.grid;
  const image::PictureRules rules(processor, vision.image / vision.patch);
  std::vector<ImageLayout> layouts;
  const auto sides = golden.integers("sizes");
  for (std::size_t i = 0; i < sides.size(); i += 2) layouts.push_back(rules.layout({int(sides[i]), int(sides[i + 1])}));
  using Model = Vlm<ClipVit<P>, MlpProjector<P>, LlamaDecoder<P>>;
  const Index width = c.language.sizes.block.width;
  check_golden(Model{ClipVit<P>(vision), mlp_projector<P>(vision.block.width, width, {.bias = true, .newline = true}),
                     LlamaDecoder<P>(c.language.sizes)},
               golden, c.image_token, layouts);
}
