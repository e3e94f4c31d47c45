#pragma once
#include <deque>
#include <set>
#include <vlt/hub/safetensors.hpp>
#include <vlt/io/folder.hpp>
#include <vlt/io/json.hpp>

namespace vlt::hub {

// The weights of a model folder: one safetensors file, or several and their index. Opening reads headers only.
class WeightFolder {
 public:
  struct Place {
    const SafetensorsFile* file = nullptr;
    const StoredTensor* tensor = nullptr;
    explicit operator bool() const { return tensor != nullptr; }
  };

  // Looks for `stem`.safetensors, then `stem`.safetensors.index.json. The files stay open.
  explicit WeightFolder(const Folder& folder, const std::string& stem = "model", const ReadLimits& limits = {})
      : path_(folder.path()), blame_(folder.blame()) {
    if (auto single = folder.find(stem + ".safetensors")) files_->emplace_back(std::move(*single), limits);
    else if (auto index = folder.find(stem + ".safetensors.index.json")) read_index(folder, *index, limits);
    else refuse_without_weights(folder);
    for (const SafetensorsFile& f : *files_)
      for (const StoredTensor& t : f.tensors()) all_.push_back({&f, &t});
    std::sort(all_.begin(), all_.end(), [](auto& a, auto& b) { return a.tensor->name < b.tensor->name; });
    for (std::size_t i = 1; i < all_.size(); ++i)
      if (all_[i].tensor->name == all_[i - 1].tensor->name)
        blame_.raise(Complaint("INDEX-003", "a tensor is in two files")
                         .at(path_)
                         .expected("each tensor in one file")
                         .found(quoted(all_[i].tensor->name) + " in " + all_[i - 1].file->name() + " and " +
                                all_[i].file->name()));
    for (const auto& [tensor, file] : promised_)
      if (const Place p = find(tensor); !p || !p.file->name().ends_with("/" + file))
        blame_.raise(Complaint("INDEX-004", "the index names a tensor that its file does not hold")
                         .at(path_)
                         .expected(quoted(tensor) + " in " + quoted(file))
                         .help("the folder is incomplete: fetch it again"));
    check_total();
  }

  const std::string& path() const { return path_; }
  Blame blame() const { return blame_; }
  const std::vector<Place>& tensors() const { return all_; }  // sorted by name
  Place find(std::string_view name) const {
    const auto at = std::lower_bound(all_.begin(), all_.end(), name,
                                     [](const Place& p, std::string_view n) { return p.tensor->name < n; });
    return at != all_.end() && at->tensor->name == name ? *at : Place{};
  }
  // Sentences about what is odd but harmless.
  const std::vector<std::string>& warnings() const { return warnings_; }
  // Keeps the files open for as long as a Place of them is used.
  std::shared_ptr<const void> keep() const { return files_; }

 private:
  std::string path_;
  Blame blame_;
  std::shared_ptr<std::deque<SafetensorsFile>> files_ = std::make_shared<std::deque<SafetensorsFile>>();
  std::vector<Place> all_;
  std::vector<std::pair<std::string, std::string>> promised_;  // tensor, file
  std::vector<std::string> warnings_;
  std::optional<std::uint64_t> total_;

  void read_index(const Folder& folder, const File& index, const ReadLimits& limits) {
    const std::string text = index.read_all(std::uint64_t(64) << 20);
    const boost::json::value value = parse_json(text, index.name(), blame_);
    const Json root(value, index.name() + ": $", blame_), map = root.at("weight_map");
    if (const auto metadata = root.find("metadata"))
      if (const auto size = metadata->find("total_size"); size && size->is_number())
        total_ = std::uint64_t(std::max(0.0, size->number()));
    std::set<std::string> names;
    for (const auto& [tensor, v] : map.object()) {
      const Json file(v, map.path() + "[" + quoted(std::string(tensor)) + "]", blame_);
      const std::string name = file.string();
      if (name.find_first_of(std::string_view("/\\\0", 3)) != name.npos || !name.ends_with(".safetensors"))
        file.refuse("a shard's name leads somewhere else", "the plain name of a .safetensors file in this folder");
      names.insert(name);
      promised_.emplace_back(tensor, name);
    }
    for (const std::string& name : names) files_->emplace_back(folder.open(name), limits);
  }
  void check_total() {
    std::uint64_t bytes = 0;
    for (const Place& p : all_) bytes += p.tensor->end - p.tensor->begin;
    if (total_ && *total_ != bytes)
      warnings_.push_back(path_ + ": the index says total_size " + std::to_string(*total_) + ", the tensors have " +
                          std::to_string(bytes) + " bytes");
  }
  [[noreturn]] void refuse_without_weights(const Folder& folder) const {
    std::string present, pickle;
    for (const std::string& n : folder.names(20)) {
      present += (present.empty() ? "" : ", ") + quoted(n, 40);
      for (const char* end : {".bin", ".pt", ".pth", ".ckpt"})
        if (n.ends_with(end)) pickle = n;
    }
    if (!pickle.empty())
      blame_.raise(Complaint("WEIGHTS-002", "the folder holds pickled weights only; a pickle is never loaded")
                       .at(path_)
                       .expected("*.safetensors")
                       .found(quoted(pickle))
                       .help("convert it where you trust it: python -c 'from transformers import AutoModel as A; "
                             "A.from_pretrained(\"IN\").save_pretrained(\"OUT\")'"));
    blame_.raise(Complaint("WEIGHTS-001", "the folder holds no weights")
                     .at(path_)
                     .expected("model.safetensors or model.safetensors.index.json")
                     .found(present.empty() ? "an empty folder" : "these files: " + present));
  }
};

}  // namespace vlt::hub
