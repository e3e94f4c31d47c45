#pragma once
#include <algorithm>
#include <cmath>
#include <span>
#include <vlt/hub/rope_config.hpp>
#include <vlt/io/folder.hpp>
#include <vlt/io/read_limits.hpp>
#include <vlt/models/sizes.hpp>

namespace vlt::hub {

// What the config.json of a decoder says, and the JSON itself, so that a written one differs in changed keys only.
struct LlamaConfig {
  LlamaSizes sizes;
  std::string model_type, family;  // as config.json says it, and the family that reads it
  Index max_position = 2048;
  boost::json::object raw;
};

// What the config.json of a CLIP vision tower says; `raw` is that of a CLIPVisionModel even if the folder holds a whole
// CLIP. sizes.depth counts all layers; a run that reads an earlier one lowers it.
struct ClipConfig {
  ClipSizes sizes;
  boost::json::object raw;
};

namespace model_config {

inline Index positive(const Json& config, const char* key, std::optional<Index> absent = std::nullopt) {
  const auto found = config.find(key);
  if (!found && absent) return *absent;
  const Json v = config.at(key);
  if (v.integer() <= 0) v.refuse("a size must be positive", "an integer from 1");
  if (v.integer() > Index(1) << 53) v.refuse("a size is far too large", "an integer of at most 2^53");
  return v.integer();
}

inline Activation activation(const Json& config, const char* absent) {
  const auto v = config.find("hidden_act");
  const std::string name = v ? v->string() : absent;
  if (name == "quick_gelu") return Activation::quick_gelu;
  if (name == "gelu") return Activation::gelu;
  if (name == "gelu_new" || name == "gelu_pytorch_tanh") return Activation::gelu_tanh;
  v->refuse("an unknown activation", "quick_gelu, gelu, gelu_new or gelu_pytorch_tanh");
}

// Sizes that no machine can hold end here, before any of them sizes a vector.
inline void refuse_absurd(const Json& config, double parameters) {
  if (parameters < 0x1p46) return;
  char text[64];
  std::snprintf(text, sizeof text, "%.3g parameters", parameters);
  throw Error(ExitCode::memory, Complaint("PLAN-SIZE-001", "the model is larger than any memory")
                                    .at(config.path())
                                    .expected("at most 7e13 parameters")
                                    .found(text)
                                    .help("check the sizes in config.json"));
}

inline void refuse_quantized(const Json& config) {
  if (const auto q = config.find("quantization_config"))
    q->refuse("quantized weights are not supported", "a model in F32, F16 or BF16",
              "use the original, unquantized model");
}

inline void check_heads(const Json& config, BlockSizes& b) {
  if (config.find("head_dim")) b.head_dim = positive(config, "head_dim");
  else if (b.width % b.heads != 0)
    config.at("hidden_size")
        .refuse("hidden_size is not a multiple of num_attention_heads", "a multiple of " + std::to_string(b.heads));
  else b.head_dim = b.width / b.heads;
}

inline void refuse_windows(const Json& config, const std::string& type) {
  const auto window = config.find("sliding_window");
  if (type == "mistral" && window)
    window->refuse("a sliding attention window is not supported", "null",
                   "set sliding_window to null if your sequences are shorter than the window");
  if (const auto use = config.find("use_sliding_window"); use && use->boolean())
    use->refuse("a sliding attention window is not supported", "false");
  if (const auto layers = config.find("layer_types"))
    for (std::size_t i = 0; i < layers->array().size(); ++i)
      if ((*layers)[i].string() != "full_attention")
        (*layers)[i].refuse("an unknown kind of layer", "\"full_attention\"");
}

inline double parameters(const BlockSizes& b, double depth, double gates) {
  const double attention = double(b.width) * double(b.head_dim) * (2.0 * double(b.heads) + 2.0 * double(b.kv_heads));
  return depth * (attention + gates * double(b.width) * double(b.mlp));
}

}  // namespace model_config

// The keys of LlamaForCausalLM, MistralForCausalLM and Qwen2ForCausalLM, as transformers 4 and 5 write them; a family
// of one's own may have the same. Throws MODEL-JSON-… with the key, or PLAN-SIZE-001 (exit 9) for sizes beyond any
// memory.
inline LlamaConfig read_llama_keys(const Json& config) {
  using namespace model_config;
  const std::string type = config.at("model_type").string();
  refuse_quantized(config);
  refuse_windows(config, type);
  LlamaConfig c;
  BlockSizes& b = c.sizes.block;
  b.width = positive(config, "hidden_size"), b.mlp = positive(config, "intermediate_size");
  b.heads = positive(config, "num_attention_heads"), b.kv_heads = positive(config, "num_key_value_heads", b.heads);
  c.sizes.vocabulary = positive(config, "vocab_size"), c.sizes.depth = positive(config, "num_hidden_layers");
  c.sizes.tied = config.boolean("tie_word_embeddings", false);
  c.max_position = positive(config, "max_position_embeddings", 2048);
  check_heads(config, b);
  if (b.heads % b.kv_heads != 0)
    config.at("num_key_value_heads")
        .refuse("num_attention_heads is not a multiple of num_key_value_heads",
                "a divisor of " + std::to_string(b.heads));
  if (b.head_dim % 2 != 0) config.refuse("the head size is odd", "an even head size, for rotary positions");
  b.norm_eps = config.number("rms_norm_eps", 1e-6);
  if (!(b.norm_eps > 0)) config.at("rms_norm_eps").refuse("a norm needs a positive epsilon", "a small positive number");
  const bool bias = config.boolean("attention_bias", false);
  b.qkv_bias = bias || type == "qwen2", b.output_bias = bias, b.mlp_bias = config.boolean("mlp_bias", false);
  if (const auto act = config.find("hidden_act"); act && act->string() != "silu")
    act->refuse("an unknown activation", "\"silu\"");
  refuse_absurd(config, parameters(b, double(c.sizes.depth), 3) +
                            double(c.sizes.vocabulary) * double(b.width) * (c.sizes.tied ? 1.0 : 2.0));
  b.rope = read_rope(config, b.head_dim, c.max_position);
  c.raw = config.object();
  return c;
}

// A family of decoders, as files know it: what the `model_type` of its config.json may be, and who reads that.
struct FamilyFacts {
  std::string name;
  std::vector<std::string> model_types;
  LlamaConfig (*read)(const Json& config);
};
inline FamilyFacts llama_facts() { return {"llama", {"llama", "mistral", "qwen2"}, read_llama_keys}; }

// Reads the config.json of a decoder by the family whose model_type it has.
inline LlamaConfig read_decoder_keys(const Json& config, std::span<const FamilyFacts> families) {
  const Json kind = config.at("model_type");
  const std::string type = kind.string();
  std::vector<std::string> known;
  for (const FamilyFacts& f : families) {
    if (std::find(f.model_types.begin(), f.model_types.end(), type) != f.model_types.end()) {
      LlamaConfig c = f.read(config);
      c.model_type = type, c.family = f.name;
      return c;
    }
    known.insert(known.end(), f.model_types.begin(), f.model_types.end());
  }
  std::string list;
  for (std::size_t i = 0; i < known.size(); ++i)
    list += (i == 0 ? "" : i + 1 == known.size() ? " or " : ", ") + known[i];
  kind.refuse("this kind of language model is not supported", list);
}
inline LlamaConfig parse_llama_config(std::string_view text, const std::string& name) {
  const boost::json::value value = parse_json(text, name);
  return read_decoder_keys(Json(value, name + ": $"), std::vector{llama_facts()});
}

// A CLIPVisionModel, or the vision half of a whole CLIP. `part`: of a model that holds more, which may leave keys out.
inline ClipConfig read_clip_keys(const Json& root, bool part = false) {
  using namespace model_config;
  const Json kind = root.at("model_type");
  const std::string type = kind.string();
  if (type != "clip" && type != "clip_vision_model")
    kind.refuse("this kind of vision model is not supported", "clip_vision_model or clip");
  refuse_quantized(root);
  const bool whole = type == "clip";
  const Json config = whole ? root.at("vision_config") : root;
  const auto absent = [&](Index v) {  // what transformers leaves out
    return whole || part ? std::optional(v) : std::nullopt;
  };
  ClipConfig c;
  BlockSizes& b = c.sizes.block;
  b.width = positive(config, "hidden_size", absent(768)), b.mlp = positive(config, "intermediate_size", absent(3072));
  b.heads = b.kv_heads = positive(config, "num_attention_heads", absent(12));
  c.sizes.depth = positive(config, "num_hidden_layers", absent(12));
  c.sizes.image = positive(config, "image_size", absent(224)),
  c.sizes.patch = positive(config, "patch_size", absent(32));
  if (positive(config, "num_channels", 3) != 3) config.at("num_channels").refuse("images have 3 channels", "3");
  if (c.sizes.image < c.sizes.patch || c.sizes.image > 4096)
    config.refuse("an image must hold a patch and at most 4096 pixels a side", "patch_size <= image_size <= 4096");
  b.qkv_bias = b.output_bias = b.mlp_bias = true;
  b.activation = activation(config, "quick_gelu");
  b.norm_eps = config.number("layer_norm_eps", 1e-5);
  if (!(b.norm_eps > 0)) config.at("layer_norm_eps").refuse("a norm needs a positive epsilon", "a positive number");
  check_heads(config, b);
  refuse_absurd(config, parameters(b, double(c.sizes.depth), 2));
  c.raw = config.object();
  c.raw["model_type"] = "clip_vision_model";
  if (whole) {
    c.raw["architectures"] = boost::json::array{"CLIPVisionModel"};
    const std::pair<const char*, Index> sizes[] = {
        {"hidden_size", b.width},         {"intermediate_size", b.mlp},
        {"num_attention_heads", b.heads}, {"num_hidden_layers", c.sizes.depth},
        {"image_size", c.sizes.image},    {"patch_size", c.sizes.patch}};
    for (const auto& [key, size] : sizes) c.raw[key] = size;
  }
  return c;
}
inline ClipConfig parse_clip_config(std::string_view text, const std::string& name) {
  const boost::json::value value = parse_json(text, name);
  return read_clip_keys(Json(value, name + ": $"));
}

// The text of config.json in a folder; C01: where it is missing, the message lists what is there.
inline std::string read_config_text(const Folder& folder, const ReadLimits& limits = {}) {
  if (auto file = folder.find("config.json")) return read_settings(*file, limits);
  std::string present;
  for (const std::string& n : folder.names(20)) present += (present.empty() ? "" : ", ") + quoted(n, 40);
  folder.blame().raise(Complaint("CONFIG-001", "the folder has no config.json")
                           .at(folder.path())
                           .expected("a Hugging Face model folder")
                           .found(present.empty() ? "an empty folder" : "these files: " + present));
}
inline LlamaConfig read_decoder_config(const Folder& folder, std::span<const FamilyFacts> families,
                                       const ReadLimits& limits = {}) {
  const std::string name = folder.name_of("config.json");
  const boost::json::value value = parse_json(read_config_text(folder, limits), name);
  return read_decoder_keys(Json(value, name + ": $"), families);
}
inline ClipConfig read_clip_config(const Folder& folder, const ReadLimits& limits = {}) {
  return parse_clip_config(read_config_text(folder, limits), folder.name_of("config.json"));
}

}  // namespace vlt::hub
