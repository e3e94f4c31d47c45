#pragma once
#include <vlt/hub/hf_folder.hpp>
#include <vlt/hub/llava_config.hpp>

namespace vlt::hub {

inline LlavaNames llava_names(const WeightFolder& folder) {
  LlavaNames names;
  for (const auto& place : folder.tensors()) names.by_module |= place.tensor->name.starts_with("model.");
  names.vision_model = bool(folder.find(names.tower() + "vision_model.embeddings.class_embedding"));
  return names;
}

// transformers ties the head of a LLaVA-NeXT by the whole model's key since version 5, and by text_config's before.
inline bool untold_tie(const LlavaConfig& c) { return c.next && c.language.sizes.tied && !c.tied_here; }

// Where the two keys differ, the weights tell: a head of its own is not tied.
inline void settle_tied_head(LlavaConfig& c, const Folder& folder, const ReadLimits& limits = {}) {
  if (!untold_tie(c)) return;
  const WeightFolder weights(folder, "model", limits);
  c.language.sizes.tied = !weights.find(llava_names(weights)("lm_head.weight"));
}

// All three components are in one folder. `layers` is the number of the tower's layers that runs.
inline WeightRules llava_rules(const LlavaConfig& config, const WeightFolder& folder, Index layers) {
  const LlavaNames names = llava_names(folder);
  WeightRules rules = vision_rules(config.vision, folder, layers, names.tower());
  rules.component.reset(), rules.stored_as = names;
  rules.stored_vocabulary = config.language.sizes.vocabulary;
  rules.extra = [of_tower = rules.extra](const std::string& n) {
    return n.ends_with("rotary_emb.inv_freq") ? Extra::ignore : of_tower(n);
  };
  if (config.language.sizes.tied)
    rules.tied_head = names("lm_head.weight"), rules.tied_to = names("model.embed_tokens.weight");
  return rules;
}

// What a trained LLaVA model may say otherwise than the folder that it came from.
struct LlavaSettings {
  Index vocabulary = 0, image_token = 0, vision_feature_layer = -2;
  FeatureSelect vision_feature_select = FeatureSelect::patch;
};

namespace llava_folder {

// A key of the type is changed wherever it stands; the top level has one in any case.
inline void set_types(boost::json::object& config, StoredType type) {
  hf::set_type(config, type);
  for (const char* part : {"text_config", "vision_config"})
    if (auto* v = config.if_contains(part); v && v->is_object())
      if (auto& o = v->as_object(); o.contains("dtype") || o.contains("torch_dtype")) hf::set_type(o, type);
}
inline const char* strategy(const LlavaSettings& now) {
  return now.vision_feature_select == FeatureSelect::full ? "full" : "default";
}

inline boost::json::object changed_config(const LlavaConfig& c, const LlavaSettings& now, StoredType type) {
  boost::json::object json = c.raw;
  if (now.vocabulary != c.language.sizes.vocabulary) {
    if (auto* text = json.if_contains("text_config"); !text || !text->is_object())
      json["text_config"] = boost::json::object{{"model_type", "llama"}};
    json["text_config"].as_object()["vocab_size"] = now.vocabulary;
    if (json.contains("vocab_size")) json["vocab_size"] = now.vocabulary;
  }
  if (now.image_token != c.image_token)
    json[json.contains("image_token_id") ? "image_token_id" : "image_token_index"] = now.image_token;
  if (now.vision_feature_layer != c.vision_feature_layer) json["vision_feature_layer"] = now.vision_feature_layer;
  if (now.vision_feature_select != c.vision_feature_select) json["vision_feature_select_strategy"] = strategy(now);
  if (untold_tie(c)) json["tie_word_embeddings"] = true;
  set_types(json, type);
  return json;
}

// processor_config.json repeats the selection of features: transformers counts image tokens by it.
inline std::string changed_processor(const std::string& text, const LlavaConfig& c, const LlavaSettings& now) {
  constexpr const char* key = "vision_feature_select_strategy";
  if (now.vision_feature_select == c.vision_feature_select) return text;
  boost::json::value json = parse_json(text, "");
  if (!json.is_object() || !json.as_object().contains(key)) return text;
  json.as_object()[key] = strategy(now);
  return pretty_json(json);
}

}  // namespace llava_folder

// Writes config.json and the weights of a folder that LlavaForConditionalGeneration or
// LlavaNextForConditionalGeneration loads, in the form that was read. `names` and `kept` come from loading; tokenizer
// and image processor are the caller's.
template <class Store>
void write_llava_folder(const std::string& path, const LlavaConfig& config, const LlavaSettings& now, Store& store,
                        const NameMap& names, const std::vector<KeptTensor>& kept, StoredType type) {
  make_folders(path);
  auto list = saved_tensors(store, std::nullopt, names, type);
  add_kept(list, kept, type);
  write_weights(path, "model", std::move(list));
  write_file(path + "/config.json", pretty_json(llava_folder::changed_config(config, now, type)));
}

}  // namespace vlt::hub
