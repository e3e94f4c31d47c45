#pragma once
#include <cmath>
#include <numbers>
#include <vlt/io/json.hpp>
#include <vlt/tensor/rope.hpp>

namespace vlt::hub {

// The rotary positions that a decoder's config.json asks for: `rope_parameters` (transformers 5) or `rope_theta` and
// `rope_scaling` (transformers 4). Types default, linear, dynamic and llama3; any other is refused by name.
namespace rope_config {

// Low frequencies slow down by `factor`, high ones stay, those between are mixed (Llama 3.1).
inline void stretch_llama3(const Json& j, Rope& rope) {
  const double factor = j.at("factor").number(), low = j.at("low_freq_factor").number(),
               high = j.at("high_freq_factor").number(), trained = j.at("original_max_position_embeddings").number();
  if (!(factor >= 1) || !(low > 0) || !(high > low) || !(trained > 0))
    j.refuse("impossible factors of rope type llama3", "factor >= 1, 0 < low_freq_factor < high_freq_factor");
  for (double& f : rope.frequency) {
    const double wavelength = 2 * std::numbers::pi / f, turns = trained / wavelength;
    if (wavelength > trained / low) f /= factor;
    else if (wavelength >= trained / high) {
      const double smooth = (turns - low) / (high - low);
      f = (1 - smooth) * f / factor + smooth * f;
    }
  }
}

inline void stretch(const Json& j, Rope& rope, Index trained_length) {
  const auto named = j.find("rope_type") ? j.find("rope_type") : j.find("type");
  const std::string type = named ? named->string() : "default";
  if (type == "default") return;
  if (type == "llama3") return stretch_llama3(j, rope);
  if (type != "linear" && type != "dynamic")
    named->refuse("an unknown rope type", "default, linear, dynamic or llama3");
  const Json factor = j.at("factor");
  if (!(factor.number() >= 1)) factor.refuse("an impossible factor", "a number of at least 1");
  if (type == "linear") {
    for (double& f : rope.frequency) f /= factor.number();
  } else {
    rope.dynamic_factor = factor.number();
    rope.trained_length = trained_length;
  }
}

}  // namespace rope_config

inline Rope read_rope(const Json& config, Index head_dim, Index max_position) {
  const auto parameters = config.find("rope_parameters"), scaling = config.find("rope_scaling");
  const auto theta =
      parameters && parameters->find("rope_theta") ? parameters->find("rope_theta") : config.find("rope_theta");
  if (theta && !(theta->number() > 1)) theta->refuse("an impossible base of the rotary positions", "a number above 1");
  for (const auto& j : {parameters, std::optional(config)})
    if (j)
      if (const auto part = j->find("partial_rotary_factor"); part && part->number() != 1)
        part->refuse("rotating a part of each head is not supported", "1");
  Rope rope = Rope::plain(head_dim, theta ? theta->number() : 10000.0);
  if (parameters) rope_config::stretch(*parameters, rope, max_position);
  else if (scaling) rope_config::stretch(*scaling, rope, max_position);
  return rope;
}

}  // namespace vlt::hub
