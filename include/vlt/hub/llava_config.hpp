#pragma once
#include <array>
#include <vlt/hub/model_config.hpp>

namespace vlt::hub {

// What the config.json of a LLaVA-1.5 or LLaVA-NeXT folder says, and the JSON itself, so that a written one differs in
// changed keys only.
struct LlavaConfig {
  bool next = false;  // LLaVA-NeXT: tiles of any resolution and an image_newline
  LlamaConfig language;
  ClipConfig vision;
  bool projector_bias = true;
  Index vision_feature_layer = -2;
  FeatureSelect vision_feature_select = FeatureSelect::patch;
  Index image_token = 32000;
  bool tied_here = false;                // by the key of the whole model, not only by text_config's
  std::vector<std::array<int, 2>> grid;  // LLaVA-NeXT: (height, width) of the canvases
  boost::json::object raw;

  const char* architecture() const { return next ? "llava_next" : "llava"; }
};

namespace llava_config {

// A part of the configuration with the keys that transformers would assume: those of LlamaConfig, MistralConfig,
// Qwen2Config. Keys that stand there as null stay.
inline boost::json::value completed_text(const std::optional<Json>& given) {
  boost::json::object text = given ? given->object() : boost::json::object();
  const auto assume = [&](const char* key, const boost::json::value& value) {
    if (!text.contains(key)) text[key] = value;
  };
  assume("model_type", "llama");
  const boost::json::value type = text.at("model_type");
  const bool mistral = type == "mistral", qwen2 = type == "qwen2";
  assume("vocab_size", qwen2 ? 151936 : 32000), assume("hidden_size", 4096);
  assume("intermediate_size", mistral ? 14336 : qwen2 ? 22016 : 11008);
  assume("num_hidden_layers", 32), assume("num_attention_heads", 32);
  if (mistral) assume("num_key_value_heads", 8), assume("sliding_window", 4096);
  if (qwen2) assume("num_key_value_heads", 32);
  assume("max_position_embeddings", mistral ? 131072 : qwen2 ? 32768 : 2048);
  return text;
}

// Without a vision_config transformers takes CLIP-L/14 of 336 pixels; keys that one leaves out are CLIPVisionConfig's.
inline boost::json::value completed_vision(const std::optional<Json>& given) {
  if (!given)
    return {{"model_type", "clip_vision_model"},
            {"hidden_size", 1024},
            {"intermediate_size", 4096},
            {"num_hidden_layers", 24},
            {"num_attention_heads", 16},
            {"image_size", 336},
            {"patch_size", 14}};
  boost::json::object vision = given->object();
  if (!vision.contains("model_type")) vision["model_type"] = "clip_vision_model";
  return vision;
}

inline void read_features(const Json& root, LlavaConfig& c) {
  if (const auto layer = root.find("vision_feature_layer")) {
    if (layer->is_array()) layer->refuse("several feature layers at once are not supported", "one integer");
    c.vision_feature_layer = layer->integer();
  }
  const auto select = root.find("vision_feature_select_strategy");
  const std::string name = select ? select->string() : "default";
  if (name != "default" && name != "full") select->refuse("an unknown selection of features", "default or full");
  if (name == "full" && c.next)
    select->refuse("a class token has no place in the grid of LLaVA-NeXT's tiles", "default");
  c.vision_feature_select = name == "full" ? FeatureSelect::full : FeatureSelect::patch;
}

inline void read_grid(const Json& root, LlavaConfig& c) {
  if (const auto newline = root.find("use_image_newline_parameter"); newline && !newline->boolean())
    newline->refuse("LLaVA-NeXT without image_newline is not supported", "true");
  const auto grid = root.find("image_grid_pinpoints");
  c.grid = {{336, 672}, {672, 336}, {672, 672}, {1008, 336}, {336, 1008}};
  if (!grid) return;
  c.grid.clear();
  for (std::size_t i = 0; i < grid->array().size(); ++i)
    c.grid.push_back({(*grid)[i][0].index(), (*grid)[i][1].index()});
}

}  // namespace llava_config

// LlavaForConditionalGeneration, LlavaNextForConditionalGeneration, as transformers 4 and 5 write them. Throws
// MODEL-JSON-… with the key.
inline LlavaConfig parse_llava_config(std::string_view text, const std::string& name,
                                      std::span<const FamilyFacts> families = std::vector{llama_facts()}) {
  namespace lc = llava_config;
  boost::json::value value = parse_json(text, name);
  const Json root(value, name + ": $");
  const Json kind = root.at("model_type");
  const std::string type = kind.string();
  if (type != "llava" && type != "llava_next") kind.refuse("this is not a LLaVA model", "llava or llava_next");
  model_config::refuse_quantized(root);
  LlavaConfig c;
  c.next = type == "llava_next";
  const boost::json::value language = lc::completed_text(root.find("text_config")),
                           vision = lc::completed_vision(root.find("vision_config"));
  c.language = read_decoder_keys(Json(language, root.path() + ".text_config"), families);
  c.vision = read_clip_keys(Json(vision, root.path() + ".vision_config"), true);
  c.tied_here = root.boolean("tie_word_embeddings", false);
  c.language.sizes.tied |= c.tied_here;
  c.projector_bias = root.boolean("multimodal_projector_bias", true);
  if (const auto act = root.find("projector_hidden_act"); act && act->string() != "gelu")
    act->refuse("an unknown activation of the projector", "\"gelu\"");
  lc::read_features(root, c);
  for (const char* key : {"image_token_index", "image_token_id"}) c.image_token = root.index(key, int(c.image_token));
  if (c.next) lc::read_grid(root, c);
  c.raw = std::move(value.as_object());
  return c;
}
inline LlavaConfig read_llava_config(const Folder& folder, std::span<const FamilyFacts> families,
                                     const ReadLimits& limits = {}) {
  return parse_llava_config(read_config_text(folder, limits), folder.name_of("config.json"), families);
}

}  // namespace vlt::hub
