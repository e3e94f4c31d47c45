#pragma once
#include <vlt/hub/hf_folder.hpp>

namespace vlt::hub {

// The kind of a projector, and the numbers by which its folder's config.json tells it from others of its kind.
struct ProjectorConfig {
  std::string kind;
  std::vector<std::pair<std::string, Index>> sizes;
};

template <class Store>
void write_projector_folder(const std::string& path, const ProjectorConfig& config, Store& store, StoredType type) {
  make_folders(path);
  write_weights(path, "model", saved_tensors(store, ComponentKind::projector, same_name, type));
  boost::json::object json{{"model_type", "vltune_projector"}, {"kind", config.kind}};
  for (const auto& [key, size] : config.sizes) json[key] = size;
  hf::set_type(json, type);
  write_file(path + "/config.json", pretty_json(json));
}

namespace projector_folder {

// Calls f with the root of the folder's config.json.
template <class F> auto with_config(const Folder& folder, const ReadLimits& limits, F&& f) {
  const std::string name = folder.name_of("config.json");
  const boost::json::value value = parse_json(read_config_text(folder, limits), name, folder.blame());
  const Json root(value, name + ": $", folder.blame());
  if (const Json type = root.at("model_type"); type.string() != "vltune_projector")
    type.refuse("this folder does not hold a projector", "vltune_projector");
  return f(root);
}

}  // namespace projector_folder

inline std::string read_projector_kind(const Folder& folder, const ReadLimits& limits = {}) {
  return projector_folder::with_config(folder, limits, [](const Json& root) { return root.at("kind").string(); });
}

// PROJ-001 names the first thing in which a folder's projector differs from the model's.
inline void require_same_projector(const Folder& folder, const ProjectorConfig& model, const ReadLimits& limits = {}) {
  const auto refuse = [&](const std::string& key, const std::string& expected, const std::string& found) {
    folder.blame().raise(Complaint("PROJ-001", "the projector in the folder is another one: " + key + " differs")
                             .at(folder.path())
                             .expected(expected)
                             .found(found)
                             .help("give the options that the folder was made with"));
  };
  projector_folder::with_config(folder, limits, [&](const Json& root) {
    if (const std::string kind = root.at("kind").string(); kind != model.kind) refuse("kind", model.kind, quoted(kind));
    for (const auto& [key, size] : model.sizes)
      if (const Index found = root.index(key, 0); found != size)
        refuse(key, std::to_string(size), std::to_string(found));
  });
}

}  // namespace vlt::hub
