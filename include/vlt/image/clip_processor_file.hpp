#pragma once
#include <array>
#include <vector>
#include <vlt/io/folder.hpp>
#include <vlt/io/json.hpp>
#include <vlt/io/read_limits.hpp>

namespace vlt::image {

// What a preprocessor_config.json (or the image_processor of a processor_config.json) says.
struct ClipProcessorFile {
  int shortest_edge = 224, crop = 224;
  double rescale_factor = 1 / 255.0;
  std::array<double, 3> mean{0.48145466, 0.4578275, 0.40821073}, std{0.26862954, 0.26130258, 0.27577711};
  std::vector<std::array<int, 2>> grid;  // LLaVA-NeXT: (height, width) of the canvases; empty for plain CLIP
};

namespace clip_processor_file {

inline constexpr int most_pixels = 8192;  // along a side of a canvas

// A size is an integer, or an object with the given key, or one with equal height and width.
inline int size(const Json& root, const char* key, const char* inner, int absent) {
  const auto v = root.find(key);
  if (!v) return absent;
  if (!v->is_object()) return v->index();
  if (const auto edge = v->find(inner)) {
    for (const auto& [other, value] : v->object())
      if (other != inner && !value.is_null()) v->refuse("another size beside " + std::string(inner), inner);
    return edge->index();
  }
  const int height = v->at("height").index();
  if (height != v->at("width").index()) v->refuse("height and width differ; not supported", "a square");
  return height;
}
inline void three(const Json& root, const char* key, std::array<double, 3>& to) {
  const auto v = root.find(key);
  if (!v) return;
  if (v->array().size() != 3) v->refuse("a number for each of red, green and blue is needed", "3 numbers");
  for (std::size_t i = 0; i < 3; ++i) to[i] = (*v)[i].number();
}

// The canvases of LLaVA-NeXT: pairs of height and width, each made of whole tiles.
inline void read_grid(const Json& root, ClipProcessorFile& file) {
  const Json grid = root.at("image_grid_pinpoints");
  if (file.shortest_edge != file.crop)
    root.refuse("size and crop_size differ: tiles that are cropped once more are not supported",
                "equal sizes beside image_grid_pinpoints");
  for (std::size_t i = 0; i < grid.array().size(); ++i) {
    if (grid[i].array().size() != 2) grid[i].refuse("a canvas has two sides", "a pair of height and width");
    for (std::size_t side = 0; side < 2; ++side)
      if (const Json s = grid[i][side]; s.index() < 1 || s.index() > most_pixels || s.index() % file.crop != 0)
        s.refuse("a canvas of the grid is not made of whole tiles",
                 "a multiple of " + std::to_string(file.crop) + ", at most " + std::to_string(most_pixels));
    file.grid.push_back({grid[i][0].index(), grid[i][1].index()});
  }
  if (file.grid.empty()) grid.refuse("the grid is empty", "pairs of height and width");
}

// Other processors have the same keys and make other pixels of a picture.
inline void check_type(const Json& root) {
  for (const char* key : {"image_processor_type", "feature_extractor_type"})
    if (const auto type = root.find(key)) {
      const std::string name = type->string();
      if (!name.starts_with("CLIP") && !name.starts_with("Llava"))
        type->refuse("another image processor is not supported", "CLIPImageProcessor or LlavaNextImageProcessor",
                     "use the vision model of a CLIP");
    }
}

}  // namespace clip_processor_file

// Sizes may be integers or objects; steps that would change the pixels otherwise are refused by name.
inline ClipProcessorFile parse_clip_processor(std::string_view text, const std::string& name,
                                              Blame blame = blame_model) {
  using namespace clip_processor_file;
  const boost::json::value value = parse_json(text, name, blame);
  Json root(value, name + ": $", blame);
  if (const auto nested = root.find("image_processor")) root = *nested;
  ClipProcessorFile file;
  if (const auto s = root.find("size"); s && s->is_object() && !s->find("shortest_edge"))
    s->refuse("only shortest_edge is supported", "an integer, or {\"shortest_edge\": an integer}");
  file.shortest_edge = size(root, "size", "shortest_edge", file.shortest_edge);
  file.crop = size(root, "crop_size", "shortest_edge", file.crop);
  if (file.shortest_edge < 1 || file.shortest_edge > 4096)
    root.at("size").refuse("the size is out of range", "1 to 4096");
  if (file.crop < 1 || file.crop > file.shortest_edge)
    root.refuse("crop_size is larger than size: padding is not supported",
                "crop_size from 1 to " + std::to_string(file.shortest_edge));
  for (const char* step : {"do_resize", "do_center_crop", "do_rescale", "do_normalize", "do_convert_rgb"})
    if (!root.boolean(step, true)) root.at(step).refuse(std::string(step) + " false is not supported", "true");
  const bool next = root.find("image_grid_pinpoints").has_value();
  if (!next && root.boolean("do_pad", false))
    root.at("do_pad").refuse("do_pad: padding to a square is not supported", "false");
  if (const auto r = root.find("resample"); r && r->index() != 3)
    r->refuse("another filter than bicubic is not supported", "3 (bicubic)");
  check_type(root);
  file.rescale_factor = root.number("rescale_factor", file.rescale_factor);
  if (!(file.rescale_factor > 0)) root.at("rescale_factor").refuse("pixels would all be black", "a positive number");
  three(root, "image_mean", file.mean);
  three(root, "image_std", file.std);
  for (const double s : file.std)
    if (!(s > 0)) root.at("image_std").refuse("a deviation must be positive", "positive numbers");
  if (next) read_grid(root, file);
  return file;
}

// The image processor of a model folder, and the file as it is, which goes along when the model is saved.
struct ClipProcessorSource {
  ClipProcessorFile file;
  std::string name, text;
};

// Reads preprocessor_config.json or, if there is none, processor_config.json.
inline ClipProcessorSource read_clip_processor(const Folder& folder, const ReadLimits& limits = {}) {
  for (const char* name : {"preprocessor_config.json", "processor_config.json"})
    if (auto file = folder.find(name)) {
      std::string text = read_settings(*file, limits);
      return {parse_clip_processor(text, file->name(), folder.blame()), name, std::move(text)};
    }
  folder.blame().raise(Complaint("CONFIG-002", "the folder does not say how images are prepared")
                           .at(folder.path())
                           .expected("preprocessor_config.json")
                           .found("neither that nor processor_config.json")
                           .help("copy preprocessor_config.json from the model's original folder"));
}

}  // namespace vlt::image
