#pragma once
#include <vlt/io/folder.hpp>
#include <vlt/train/save_checkpoint.hpp>

namespace vlt {

// A checkpoint as it lies in its folder. Nothing of it is believed before verify() has read every byte of it.
class RunCheckpoint {
 public:
  // Reads the manifest. CKPT-PATH-..., CKPT-JSON-..., CKPT-HASH-001, CKPT-MANIFEST-002, CKPT-FORMAT-003 (exit 5).
  explicit RunCheckpoint(std::string_view path) : path_(path.substr(0, path.find_last_not_of('/') + 1)) {
    const File file = folder().open(CheckpointManifest::file_name);
    manifest_ = parse_manifest(file.read_all(most_manifest_bytes), file.name());
    require_whole(manifest_, file.name());
    const std::string name = std::filesystem::path(path_).filename();
    if (name.starts_with("step-") && name != name_of(manifest_.step))
      manifest::contradiction(file.name(), "step " + std::to_string(manifest_.step) + " in a folder of another step");
  }

  // "step-00000400": the name of a checkpoint's folder.
  static std::string name_of(Index step) {
    const std::string digits = std::to_string(step);
    return "step-" + std::string(8 - std::min<std::size_t>(8, digits.size()), '0') + digits;
  }

  const std::string& path() const { return path_; }
  const CheckpointManifest& manifest() const { return manifest_; }
  Index step() const { return manifest_.step; }

  // Reads all files and compares sizes and hashes. CKPT-HASH-001 for one that is not what was written.
  void verify() const {
    for (const CheckpointFile& f : manifest_.files) {
      const File file = folder().open(f.name);
      const auto refuse = [&](const std::string& expected, const std::string& found) {
        throw Error(ExitCode::checkpoint, Complaint("CKPT-HASH-001", "a file of the checkpoint is not what was written")
                                              .at(file.name())
                                              .expected(expected)
                                              .found(found)
                                              .help("use another checkpoint, or restore the file from a copy"));
      };
      if (file.size() != f.bytes) refuse(std::to_string(f.bytes) + " bytes", std::to_string(file.size()) + " bytes");
      if (const std::string hash = file_hash(file); hash != f.hash) refuse(f.hash, hash);
    }
  }
  // Files in its folder that it knows nothing of.
  std::vector<std::string> strangers() const {
    std::vector<std::string> names = folder().names();
    std::erase(names, CheckpointManifest::file_name);
    for (const CheckpointFile& f : manifest_.files) std::erase(names, f.name);
    return names;
  }

  RunState state() const {
    const File file = folder().open(run_state_file);
    RunState s = parse_run_state(file.read_all(most_state_bytes), file.name());
    if (s.step != manifest_.step || s.updates != manifest_.updates)
      manifest::contradiction(file.name(), std::to_string(s.step) + " steps and " + std::to_string(s.updates) +
                                               " updates, unlike the manifest");
    return s;
  }

  // Gives a store what it held. Its layout may be another: other ranks, other units. CKPT-MODEL-004, and the store is
  // as it was, if the checkpoint is of a model with other parameters that train, or of another optimiser.
  template <Precision F, Device D> void load(ParameterStore<F, D>& store) const {
    compare(store);
    std::vector<File> files;
    for (const CheckpointFile& f : manifest_.files) files.push_back(folder().open(f.name));
    store.sections([&]<class T, Device X>(const Section<T, X>& s) {
      if (is_kept(s.kind)) read(files, *find(section_parameter(store.registry(), s.param), section_values(s)), s);
    });
  }

 private:
  static constexpr std::uint64_t most_manifest_bytes = 256 << 20, most_state_bytes = std::uint64_t(4) << 30;
  std::string path_;
  CheckpointManifest manifest_;

  Folder folder() const { return Folder(path_, blame_checkpoint, "checkpoint"); }

  const SavedSection* find(const std::string& parameter, const std::string& values) const {
    const auto at = std::find_if(manifest_.sections.begin(), manifest_.sections.end(),
                                 [&](const SavedSection& s) { return s.parameter == parameter && s.values == values; });
    return at == manifest_.sections.end() ? nullptr : &*at;
  }

  template <Precision F, Device D> void compare(ParameterStore<F, D>& store) const {
    std::vector<std::string> differences;
    std::size_t found = 0;
    store.sections([&]<class T, Device X>(const Section<T, X>& s) {
      if (!is_kept(s.kind)) return;
      const std::string parameter = section_parameter(store.registry(), s.param);
      const SavedSection* saved = find(parameter, section_values(s));
      found += saved != nullptr;
      const std::string wanted = std::to_string(s.whole) + " " + stored_name<T>;
      if (!saved) differences.push_back(parameter + " (" + section_values(s) + ") is not in it");
      else if (saved->elements != s.whole || saved->type != stored_name<T>)
        differences.push_back(saved->name() + " has " + std::to_string(saved->elements) + " " + saved->type +
                              " instead of " + wanted);
    });
    if (found < manifest_.sections.size())
      differences.push_back(std::to_string(manifest_.sections.size() - found) + " sections do not belong to the model");
    if (differences.empty()) return;
    const std::size_t shown = std::min<std::size_t>(5, differences.size());
    std::string list;
    for (std::size_t i = 0; i < shown; ++i) list += (i > 0 ? "\n" : "") + differences[i];
    if (shown < differences.size()) list += "\nand " + std::to_string(differences.size() - shown) + " more";
    throw Error(ExitCode::checkpoint,
                Complaint("CKPT-MODEL-004", "the checkpoint is of a model that trains otherwise")
                    .at(path_)
                    .expected("numbers of all parameters that train, and of no others")
                    .found(list)
                    .help("give the options that the run began with: model, precision, adapters"));
  }

  template <class T, Device D>
  static void read(const std::vector<File>& files, const SavedSection& saved, const Section<T, D>& to) {
    static_assert(host_code<D>::ok);
    for (const SectionPart& p : saved.parts) {
      const Range r = intersection(p.range, to.range);
      if (r.size() == 0) continue;
      files[p.file].read(p.offset + std::uint64_t(r.begin - p.range.begin) * sizeof(T),
                         static_cast<T*>(to.values.data) + (r.begin - to.range.begin),
                         std::size_t(r.size()) * sizeof(T));
    }
  }
};

}  // namespace vlt
