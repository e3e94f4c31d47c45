#pragma once
#include <vlt/hub/model_config.hpp>
#include <vlt/hub/save_weights.hpp>
#include <vlt/nn/component_kind.hpp>

namespace vlt::hub {

// A decoder's tensors have the registry's names; a tied head may be stored nevertheless, if it is the embedding.
inline WeightRules language_rules(const LlamaConfig& config) {
  WeightRules rules;
  rules.component = ComponentKind::language;
  rules.stored_vocabulary = config.sizes.vocabulary;
  rules.extra = [](const std::string& n) { return n.ends_with("rotary_emb.inv_freq") ? Extra::ignore : Extra::refuse; };
  if (config.sizes.tied) rules.tied_head = "lm_head.weight", rules.tied_to = "model.embed_tokens.weight";
  return rules;
}

// A CLIP folder may hold the text half too, which is of no use here. Layers behind the one that is read, and the last
// norm, are kept for saving. `layers` is the number that runs. `tower`: what its names begin with in a larger model.
inline WeightRules vision_rules(const ClipConfig& config, const WeightFolder& folder, Index layers,
                                const std::string& tower = {}) {
  const bool named = bool(folder.find(tower + "vision_model.embeddings.class_embedding"));
  const std::string prefix = tower + (named ? "vision_model." : "");
  const std::string stack = prefix + "encoder.layers.", norm = prefix + "post_layernorm.";
  const Index all = config.sizes.depth;
  WeightRules rules;
  rules.component = ComponentKind::vision;
  rules.stored_as = clip_names(named);
  rules.extra = [=, whole = tower.empty()](const std::string& n) {
    if (n.ends_with("position_ids")) return Extra::ignore;
    if (whole && (n.starts_with("text_model.") || n == "logit_scale" || n.starts_with("text_projection.") ||
                  n.starts_with("visual_projection.")))
      return Extra::ignore;
    if (n.starts_with(norm)) return Extra::keep;
    if (!n.starts_with(stack)) return Extra::refuse;
    const Index layer = std::atoll(n.c_str() + stack.size());
    return layer >= layers && layer < all ? Extra::keep : Extra::refuse;
  };
  rules.also_needed = {norm + "weight", norm + "bias"};
  for (const auto& place : folder.tensors())  // later layers have what the first one has
    if (const std::string& n = place.tensor->name; n.starts_with(stack + "0."))
      for (Index i = layers; i < all; ++i)
        rules.also_needed.push_back(stack + std::to_string(i) + n.substr(stack.size() + 1));
  return rules;
}

inline WeightRules projector_rules() {
  WeightRules rules;
  rules.component = ComponentKind::projector;
  return rules;
}

namespace hf {

// The key for the type of the weights is `torch_dtype` (transformers 4) or `dtype` (5): whichever is there.
inline void set_type(boost::json::object& config, StoredType type) {
  const char* key = config.contains("dtype") ? "dtype" : "torch_dtype";
  config[key] = torch_name(type);
}

}  // namespace hf

// Writes a folder that AutoModelForCausalLM loads: config.json as it was read but for vocab_size and the type, and the
// weights. `vocabulary` is the number of rows of the embedding now. Tokenizer files are the caller's.
template <class Store>
void write_language_folder(const std::string& path, const LlamaConfig& config, Index vocabulary, Store& store,
                           StoredType type, std::uint64_t limit = shard_bytes) {
  make_folders(path);
  write_weights(path, "model", saved_tensors(store, ComponentKind::language, same_name, type), limit);
  boost::json::object json = config.raw;
  if (json.at("vocab_size") != vocabulary) json["vocab_size"] = vocabulary;
  hf::set_type(json, type);
  write_file(path + "/config.json", pretty_json(json));
}

// Writes a folder that CLIPVisionModel loads. `names` and `kept` come from loading; a tower made from nothing passes
// clip_names(true) and its post_layernorm, if it is to have one, as a SavedTensor in `more`.
template <class Store>
void write_vision_folder(const std::string& path, const ClipConfig& config, Store& store, const NameMap& names,
                         const std::vector<KeptTensor>& kept, StoredType type, std::vector<SavedTensor> more = {},
                         std::uint64_t limit = shard_bytes) {
  make_folders(path);
  auto list = saved_tensors(store, ComponentKind::vision, names, type);
  add_kept(list, kept, type);
  list.insert(list.end(), more.begin(), more.end());
  write_weights(path, "model", std::move(list), limit);
  boost::json::object json = config.raw;
  hf::set_type(json, type);
  write_file(path + "/config.json", pretty_json(json));
}

// A tensor of one repeated value: what a model made from nothing needs beside its parameters.
inline SavedTensor constant_tensor(std::string name, std::vector<std::uint64_t> shape, float value, StoredType type) {
  TensorPlan plan{std::move(name), type, std::move(shape)};
  const std::size_t n = std::size_t(plan.size());
  return {std::move(plan), [n, value](SafetensorsWriter& to) { to.append(std::vector<float>(n, value)); }};
}

// Reads a component's weights from a folder into a store: plan_load and load_weights in one.
template <class Store> LoadedWeights load_folder(const WeightFolder& folder, const WeightRules& rules, Store& store) {
  return load_weights(plan_load(store.registry(), folder, rules), store);
}

}  // namespace vlt::hub
