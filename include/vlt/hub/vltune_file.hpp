#pragma once
#include <vlt/base/config.hpp>
#include <vlt/io/folder.hpp>
#include <vlt/io/json.hpp>
#include <vlt/io/pretty_json.hpp>
#include <vlt/io/read_limits.hpp>
#include <vlt/io/write_file.hpp>
#include <vlt/models/sizes.hpp>

namespace vlt::hub {

// epoch-K/vltune.json: what a trained model needs to be used again and its Hugging Face folders do not say.
struct VltuneFile {
  boost::json::object chat_template;  // in full, as a template file has it
  bool mmca = false;                  // multi-modal causal attention
  Index vision_feature_layer = -1;    // which hidden state is read: -1 is the last
  FeatureSelect vision_feature_select = FeatureSelect::full;
  Index max_seq_len = 4096;
  std::string language_folder, vision_folder;  // of the base models
};

namespace vltune_file {

inline constexpr int format = 1;

template <class File, class F> void each(File& f, F&& visit) {
  visit("mmca", f.mmca), visit("vision_feature_layer", f.vision_feature_layer);
  visit("vision_feature_select", f.vision_feature_select), visit("max_seq_len", f.max_seq_len);
  visit("language_folder", f.language_folder), visit("vision_folder", f.vision_folder);
}
inline void read(const Json& j, bool& to) { to = j.boolean(); }
inline void read(const Json& j, Index& to) { to = j.integer(); }
inline void read(const Json& j, std::string& to) { to = j.string(); }
inline void read(const Json& j, FeatureSelect& to) {
  const std::string word = j.string();
  const auto at = std::find_if(feature_selects.begin(), feature_selects.end(), [&](auto s) { return word == name(s); });
  if (at == feature_selects.end()) j.refuse("an unknown choice of the encoder's tokens", "full or patch");
  to = *at;
}
template <class T> const T& written(const T& value) { return value; }
inline const char* written(FeatureSelect value) { return name(value); }
inline void check(const Json& root, const VltuneFile& file) {
  if (file.max_seq_len < 2) root.at("max_seq_len").refuse("no sequence is that short", "an integer of at least 2");
}

}  // namespace vltune_file

inline void write_vltune_file(const std::string& folder, const VltuneFile& file) {
  boost::json::object json{{"format", vltune_file::format}};
  vltune_file::each(file, [&](const char* key, const auto& value) { json[key] = vltune_file::written(value); });
  json["template"] = file.chat_template;
  write_file(folder + "/vltune.json", pretty_json(json));
}

inline VltuneFile read_vltune_file(const Folder& folder, const ReadLimits& limits = {}) {
  const std::string name = folder.name_of("vltune.json");
  const boost::json::value value = parse_json(read_settings(folder.open("vltune.json"), limits), name, folder.blame());
  const Json root(value, name + ": $", folder.blame());
  if (const Json format = root.at("format"); format.integer() != vltune_file::format)
    format.refuse("this folder was written by another version", std::to_string(vltune_file::format));
  VltuneFile file;
  vltune_file::each(file, [&](const char* key, auto& to) { vltune_file::read(root.at(key), to); });
  vltune_file::check(root, file);
  file.chat_template = root.at("template").object();
  return file;
}

}  // namespace vlt::hub
