// config.json of LLaVA folders: what transformers would assume of what is left out, and what is refused by name.
#include <unit/io/temporary_folder.hpp>
#include <vlt/hub/llava_config.hpp>

using namespace vlt;
using vlt::test::refused;

namespace {

constexpr auto model = ExitCode::model;

hub::LlavaConfig parsed(const std::string& keys, const char* type = "llava") {
  return hub::parse_llava_config("{\"model_type\": \"" + std::string(type) + "\"" + keys + "}", "config.json");
}
hub::LlavaConfig next(const std::string& keys) { return parsed(keys, "llava_next"); }

}  // namespace

TEST_CASE("a silent configuration is LLaVA-1.5 as transformers has it") {
  const hub::LlavaConfig c = parsed("");
  CHECK_FALSE(c.next);
  CHECK(c.architecture() == std::string("llava"));
  CHECK((c.projector_bias && !c.tied_here && !c.language.sizes.tied));
  CHECK(c.vision_feature_layer == -2);
  CHECK(c.vision_feature_select == FeatureSelect::patch);
  CHECK(c.image_token == 32000);
  CHECK(c.grid.empty());
  CHECK(c.raw.size() == 1);
  const LlamaSizes& l = c.language.sizes;
  CHECK(c.language.model_type == "llama");
  CHECK((l.vocabulary == 32000 && l.depth == 32 && l.block.width == 4096 && l.block.mlp == 11008));
  CHECK((l.block.heads == 32 && l.block.kv_heads == 32 && c.language.max_position == 2048));
  const ClipSizes& v = c.vision.sizes;
  CHECK((v.depth == 24 && v.image == 336 && v.patch == 14));
  CHECK((v.block.width == 1024 && v.block.mlp == 4096 && v.block.heads == 16));
  CHECK(c.vision.raw.at("model_type") == "clip_vision_model");
  const hub::LlavaConfig unset;
  CHECK((!unset.next && unset.projector_bias && !unset.tied_here && unset.image_token == 32000));
  CHECK(unset.vision_feature_layer == -2);
}

TEST_CASE("each family's text configuration has its own sizes") {
  const auto text = [](const std::string& keys) { return parsed(", \"text_config\": {" + keys + "}").language; };
  refused([&] { text(R"("model_type": "mistral")"); }, model, "MODEL-JSON-004", "sliding", "4096");
  const hub::LlamaConfig mistral = text(R"("model_type": "mistral", "sliding_window": null)");
  CHECK((mistral.sizes.block.mlp == 14336 && mistral.sizes.block.kv_heads == 8 && mistral.sizes.vocabulary == 32000));
  CHECK(mistral.max_position == 131072);
  const hub::LlamaConfig qwen2 = text(R"("model_type": "qwen2")");
  CHECK((qwen2.sizes.block.mlp == 22016 && qwen2.sizes.block.kv_heads == 32 && qwen2.sizes.vocabulary == 151936));
  CHECK((qwen2.max_position == 32768 && qwen2.sizes.block.qkv_bias));
  CHECK(text(R"("model_type": "qwen2", "num_attention_heads": 64)").sizes.block.kv_heads == 32);
  const hub::LlamaConfig given = text(R"("hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
      "num_attention_heads": 4, "vocab_size": 100, "max_position_embeddings": 50)");
  CHECK((given.sizes.block.width == 64 && given.sizes.block.mlp == 96 && given.sizes.depth == 2));
  CHECK((given.sizes.block.heads == 4 && given.sizes.vocabulary == 100 && given.max_position == 50));
}

TEST_CASE("what a vision configuration leaves out is CLIP's own") {
  const hub::ClipConfig v = parsed(R"(, "vision_config": {"hidden_size": 96, "num_attention_heads": 6})").vision;
  CHECK((v.sizes.block.width == 96 && v.sizes.block.heads == 6 && v.sizes.block.mlp == 3072));
  CHECK((v.sizes.depth == 12 && v.sizes.image == 224 && v.sizes.patch == 32));
  refused([] { parsed(R"(, "vision_config": {"model_type": "siglip"})"); }, model, "MODEL-JSON-004", "siglip",
          "$.vision_config");
}

TEST_CASE("keys of the whole model") {
  CHECK(parsed(R"(, "tie_word_embeddings": true)").tied_here);
  CHECK(parsed(R"(, "tie_word_embeddings": true)").language.sizes.tied);
  const hub::LlavaConfig inner = parsed(R"(, "text_config": {"tie_word_embeddings": true})");
  CHECK((inner.language.sizes.tied && !inner.tied_here));
  CHECK_FALSE(parsed(R"(, "multimodal_projector_bias": false)").projector_bias);
  CHECK(parsed(R"(, "image_token_index": 7)").image_token == 7);
  CHECK(parsed(R"(, "image_token_id": 8)").image_token == 8);
  CHECK(parsed(R"(, "vision_feature_layer": -1)").vision_feature_layer == -1);
  CHECK(parsed(R"(, "vision_feature_select_strategy": "full")").vision_feature_select == FeatureSelect::full);
  CHECK(parsed(R"(, "vision_feature_select_strategy": "default")").vision_feature_select == FeatureSelect::patch);
  CHECK_NOTHROW(parsed(R"(, "projector_hidden_act": "gelu")"));
  const auto refuses = [](const std::string& keys, const char* word) {
    refused([&] { parsed(keys); }, model, "MODEL-JSON-004", word);
  };
  refuses(R"(, "vision_feature_layer": [-2, -1])", "several feature layers");
  refuses(R"(, "vision_feature_select_strategy": "odd")", "default or full");
  refuses(R"(, "projector_hidden_act": "relu")", "relu");
  refuses(R"(, "quantization_config": {})", "quantized");
  refused([] { parsed("", "blip"); }, model, "MODEL-JSON-004", "blip", "llava or llava_next");
}

TEST_CASE("LLaVA-NeXT has a grid and a newline") {
  using Grid = std::vector<std::array<int, 2>>;
  const hub::LlavaConfig c = next("");
  CHECK(c.next);
  CHECK(c.architecture() == std::string("llava_next"));
  CHECK(c.grid == Grid{{336, 672}, {672, 336}, {672, 672}, {1008, 336}, {336, 1008}});
  CHECK(next(R"(, "image_grid_pinpoints": [[1, 2], [3, 4]])").grid == Grid{{1, 2}, {3, 4}});
  CHECK(parsed(R"(, "image_grid_pinpoints": [[1, 2]])").grid.empty());
  CHECK_NOTHROW(next(R"(, "use_image_newline_parameter": true)"));
  refused([] { next(R"(, "use_image_newline_parameter": false)"); }, model, "MODEL-JSON-004", "image_newline");
  refused([] { next(R"(, "vision_feature_select_strategy": "full")"); }, model, "MODEL-JSON-004", "class token");
}
