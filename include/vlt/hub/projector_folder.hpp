#pragma once
#include <vlt/hub/hf_folder.hpp>

namespace vlt {

// The kind and the sizes of a projector, as its folder's config.json says them. Sizes that a kind does not have are 0.
struct ProjectorConfig {
  std::string kind = "baseline";  // baseline, vit, perceiver, mlp
  Index vision_width = 0, text_width = 0;
  Index vision_heads = 0, vision_mlp = 0;  // vit: its one encoder layer
  Index queries = 0, patches = 0;          // perceiver: rows it gives, and reads, for an image
  bool operator==(const ProjectorConfig&) const = default;
};

namespace projector_config {

template <class Config, class F> void each(Config& c, F&& f) {
  f("vision_width", c.vision_width), f("text_width", c.text_width);
  f("vision_heads", c.vision_heads), f("vision_mlp", c.vision_mlp);
  f("queries", c.queries), f("patches", c.patches);
}

}  // namespace projector_config

template <class Store>
void write_projector_folder(const std::string& path, const ProjectorConfig& config, Store& store, StoredType type) {
  make_folders(path);
  write_weights(path, "model", saved_tensors(store, ComponentKind::projector, same_name, type));
  boost::json::object json{{"model_type", "vltune_projector"}, {"kind", config.kind}};
  projector_config::each(config, [&](const char* key, Index size) {
    if (size > 0) json[key] = size;
  });
  hf::set_type(json, type);
  write_file(path + "/config.json", pretty_json(json));
}

inline ProjectorConfig read_projector_config(const Folder& folder, const ReadLimits& limits = {}) {
  const boost::json::value value =
      parse_json(read_config_text(folder, limits), folder.name_of("config.json"), folder.blame());
  const Json root(value, folder.name_of("config.json") + ": $", folder.blame());
  if (const Json type = root.at("model_type"); type.string() != "vltune_projector")
    type.refuse("this folder does not hold a projector", "vltune_projector");
  ProjectorConfig c;
  c.kind = root.at("kind").string();
  projector_config::each(c, [&](const char* key, Index& size) { size = root.index(key, 0); });
  return c;
}

// PROJ-001 names the first thing in which a folder's projector differs from the model's.
inline void require_same_projector(const ProjectorConfig& folder, const ProjectorConfig& model,
                                   const std::string& path) {
  const auto refuse = [&](const char* key, const std::string& expected, const std::string& found) {
    blame_model.raise(
        Complaint("PROJ-001", std::string("the projector in the folder is another one: ") + key + " differs")
            .at(path)
            .expected(expected)
            .found(found)
            .help("give the options that the folder was made with"));
  };
  if (folder.kind != model.kind) refuse("kind", model.kind, quoted(folder.kind));
  std::vector<Index> sizes;
  projector_config::each(folder, [&](const char*, Index size) { sizes.push_back(size); });
  std::size_t i = 0;
  projector_config::each(model, [&](const char* key, Index size) {
    if (size != sizes[i++]) refuse(key, std::to_string(size), std::to_string(sizes[i - 1]));
  });
}

}  // namespace vlt
