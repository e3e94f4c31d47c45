#pragma once
#include <cmath>
#include <functional>
#include <string>
#include <string_view>
#include <vector>
#include <vlt/nn/registry.hpp>

namespace vlt::hub {

// The checkpoint's name for what the registry calls by another.
using NameMap = std::function<std::string(const std::string&)>;

inline std::string same_name(const std::string& name) { return name; }

// CLIP towers are saved with and without this prefix; the registry has it.
inline NameMap clip_names(bool with_prefix) {
  return [with_prefix](const std::string& name) {
    constexpr std::string_view prefix = "vision_model.";
    return with_prefix || !name.starts_with(prefix) ? name : name.substr(prefix.size());
  };
}

// How a LLaVA folder calls its tensors. transformers writes `language_model.model.…`, `vision_tower.…`,
// `multi_modal_projector.…`; the module tree since 4.52, also found in files, says `model.language_model.…`,
// `lm_head.weight`, `model.vision_tower.…`.
struct LlavaNames {
  bool by_module = false;     // the second form
  bool vision_model = false;  // whether the tower's names have `vision_model.`

  std::string outer() const { return by_module ? "model." : ""; }
  std::string tower() const { return outer() + "vision_tower."; }

  // The folder's name of a parameter.
  std::string operator()(const std::string& name) const {
    constexpr std::string_view projector = "projection.", newline = "projection.image_newline", decoder = "model.";
    if (name.starts_with("vision_model.")) return tower() + clip_names(vision_model)(name);
    if (name == newline) return outer() + "image_newline";
    if (name.starts_with(projector)) return outer() + "multi_modal_projector." + name.substr(projector.size());
    if (!by_module) return "language_model." + name;
    return name.starts_with(decoder) ? "model.language_model." + name.substr(decoder.size()) : name;
  }
};

// The shape that a checkpoint gives to a part of a parameter, and the keys of config.json that imply it. A patch
// embedding is a convolution there: (width, 3, patch, patch).
template <class Ref> std::vector<std::uint64_t> checkpoint_shape(const Ref& p, const Part& part) {
  const auto rows = std::uint64_t(part.rows), cols = std::uint64_t(p.value->cols);
  if (p.one_dimensional()) return {rows};
  if (p.role == Role::patch_embedding) {
    const auto patch = std::uint64_t(std::llround(std::sqrt(double(cols) / 3)));
    return {rows, 3, patch, patch};
  }
  return {rows, cols};
}
inline std::string implied_by(std::string_view name) {
  constexpr std::pair<std::string_view, const char*> keys[] = {
      {"embed_tokens.", "vocab_size, hidden_size"},
      {"lm_head.", "vocab_size, hidden_size"},
      {"k_proj.", "num_key_value_heads, head_dim, hidden_size"},
      {"v_proj.", "num_key_value_heads, head_dim, hidden_size"},
      {"q_proj.", "num_attention_heads, head_dim, hidden_size"},
      {"o_proj.", "hidden_size, num_attention_heads, head_dim"},
      {"gate_proj.", "intermediate_size, hidden_size"},
      {"up_proj.", "intermediate_size, hidden_size"},
      {"down_proj.", "hidden_size, intermediate_size"},
      {"fc1.", "intermediate_size, hidden_size"},
      {"fc2.", "hidden_size, intermediate_size"},
      {"patch_embedding.", "hidden_size, num_channels, patch_size"},
      {"position_embedding.", "image_size, patch_size, hidden_size"}};
  for (const auto& [part, text] : keys)
    if (name.find(part) != name.npos) return text;
  return "hidden_size";
}

}  // namespace vlt::hub
