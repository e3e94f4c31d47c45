#pragma once
#include <array>
#include <vector>
#include <vlt/io/json.hpp>

namespace vlt {

// What a preprocessor_config.json (or the image_processor of a processor_config.json) says.
struct ClipProcessorFile {
  int shortest_edge = 224, crop = 224;
  double rescale_factor = 1 / 255.0;
  std::array<double, 3> mean{0.48145466, 0.4578275, 0.40821073}, std{0.26862954, 0.26130258, 0.27577711};
  std::vector<std::array<int, 2>> grid;  // LLaVA-NeXT: (height, width) of the canvases; empty for plain CLIP
};

// Sizes may be integers or objects; steps that would change the pixels otherwise are refused by name.
inline ClipProcessorFile parse_clip_processor(std::string_view text, const std::string& name) {
  const boost::json::value value = parse_json(text, name);
  Json root(value, name + ": $");
  if (const auto nested = root.find("image_processor")) root = *nested;
  ClipProcessorFile file;
  const auto size = [&](const char* key, const char* inner, int absent) {
    const auto v = root.find(key);
    if (!v) return absent;
    if (!v->raw().is_object()) return v->index();
    if (const auto edge = v->find(inner)) return edge->index();
    const int height = v->at("height").index();
    require(height == v->at("width").index(), v->path() + ": height and width differ; not supported");
    return height;
  };
  if (const auto s = root.find("size"); s && s->raw().is_object() && !s->find("shortest_edge"))
    throw std::invalid_argument(s->path() + ": only shortest_edge is supported");
  file.shortest_edge = size("size", "shortest_edge", file.shortest_edge);
  file.crop = size("crop_size", "shortest_edge", file.crop);
  for (const char* step : {"do_resize", "do_center_crop", "do_rescale", "do_normalize", "do_convert_rgb"})
    require(root.boolean(step, true), root.path() + "." + step + ": false is not supported");
  const bool next = root.find("image_grid_pinpoints").has_value();
  require(next || !root.boolean("do_pad", false), root.path() + ".do_pad: padding to a square is not supported");
  if (const auto r = root.find("resample")) require(r->index() == 3, r->path() + ": only 3 (bicubic) is supported");
  if (const auto r = root.find("rescale_factor")) file.rescale_factor = r->raw().to_number<double>();
  const auto three = [&](const char* key, std::array<double, 3>& out) {
    const auto v = root.find(key);
    if (!v) return;
    require(v->array().size() == 3, v->path() + ": three numbers are needed");
    for (std::size_t i = 0; i < 3; ++i) out[i] = v->array()[i].to_number<double>();
  };
  three("image_mean", file.mean);
  three("image_std", file.std);
  for (const double s : file.std) require(s > 0, root.path() + ".image_std: must be positive");
  if (next) {
    const Json grid = root.at("image_grid_pinpoints");
    for (std::size_t i = 0; i < grid.array().size(); ++i) file.grid.push_back({grid[i][0].index(), grid[i][1].index()});
    require(!file.grid.empty(), grid.path() + ": empty");
  }
  return file;
}

}  // namespace vlt
