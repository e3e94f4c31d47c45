#pragma once
#include <filesystem>
#include <functional>
#include <vlt/train/run_checkpoint.hpp>

namespace vlt {

// The checkpoints of one run, a folder for each. What counts is what verifies; a folder of another name is none.
class CheckpointFolder {
 public:
  explicit CheckpointFolder(std::string path) : path_(std::move(path)) {}

  std::string path_of(Index step) const { return path_ + "/" + RunCheckpoint::name_of(step); }

  // The steps of which there are folders, ascending, whatever is in them.
  std::vector<Index> steps() const {
    std::vector<Index> all;
    for (const std::string& name : names())
      if (const auto step = step_of(name)) all.push_back(*step);
    std::sort(all.begin(), all.end());
    return all;
  }

  // The newest checkpoint whose bytes are what was written. `rejected` hears why each newer one is not it. None if
  // there are no checkpoints; CKPT-NONE-006 (exit 5) if none of them can be used.
  std::optional<RunCheckpoint> newest(const std::function<void(const Error&)>& rejected) const {
    const std::vector<Index> all = steps();
    for (auto step = all.rbegin(); step != all.rend(); ++step) {
      try {
        RunCheckpoint c(path_of(*step));
        c.verify();
        return c;
      } catch (const Error& e) {
        if (e.exit() != ExitCode::checkpoint) throw;
        rejected(e);
      }
    }
    if (all.empty()) return std::nullopt;
    throw Error(ExitCode::checkpoint, Complaint("CKPT-NONE-006", "none of the checkpoints can be used")
                                          .at(path_)
                                          .expected("one that is whole")
                                          .found(std::to_string(all.size()) + " that are damaged")
                                          .help("restore one from a copy, or begin anew in another --output_dir"));
  }

  // After a checkpoint was saved: those of later steps belong to a continuation that was given up, and go; of the
  // others the newest `keep` stay. Returns how many later ones went.
  Index prune(Index saved, Index keep) const {
    std::vector<Index> all = steps();
    const auto later = std::upper_bound(all.begin(), all.end(), saved);
    const Index beyond = all.end() - later;
    for (auto step = later; step != all.end(); ++step) remove(*step);
    for (auto step = all.begin(); later - step > keep; ++step) remove(*step);
    return beyond;
  }

  // Removes what a process that died while it saved or removed one has left. Returns the names.
  std::vector<std::string> remove_leftovers() const {
    std::vector<std::string> gone;
    for (const std::string& name : names())
      if (name.starts_with(".step-") && (name.ends_with(draft) || name.ends_with(removed))) {
        std::error_code unused;
        std::filesystem::remove_all(path_ + "/" + name, unused);
        gone.push_back(name);
      }
    return gone;
  }

 private:
  static constexpr const char *draft = ".draft", *removed = ".removed";
  std::string path_;

  static std::optional<Index> step_of(const std::string& name) {
    Index step = 0;
    const auto [end, problem] =
        std::from_chars(name.data() + std::min<std::size_t>(5, name.size()), name.data() + name.size(), step);
    const bool is = problem == std::errc() && step >= 0 && RunCheckpoint::name_of(step) == name;
    return is ? std::optional(step) : std::nullopt;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    std::error_code none;  // there is no such folder yet
    for (const auto& entry : std::filesystem::directory_iterator(path_, none)) all.push_back(entry.path().filename());
    std::sort(all.begin(), all.end());
    return all;
  }
  // It is no checkpoint any more before the first of its files is gone.
  void remove(Index step) const {
    const std::string aside = path_ + "/." + RunCheckpoint::name_of(step) + removed;
    std::error_code unused;
    std::filesystem::remove_all(aside, unused);
    std::filesystem::rename(path_of(step), aside, unused);
    std::filesystem::remove_all(aside, unused);
  }
};

}  // namespace vlt
