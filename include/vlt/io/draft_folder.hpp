#pragma once
#include <filesystem>
#include <vlt/io/write_file.hpp>

namespace vlt {

// A folder in the making, under a hidden name beside its own. commit() makes it durable and visible under its own name
// in one step, in place of a folder that was there; whoever looks sees the old folder or the finished one, whole.
// Without commit() nothing remains.
class DraftFolder {
 public:
  // How a folder that is there gives way. `exchange` leaves no moment without one; where the file system cannot, the
  // old one goes `aside` first, and the next draft brings it back if a process died between the two steps.
  enum class Replace { exchange, aside };

  // What a process that died left of a draft is removed. WRITE-MODEL-003 if the name belongs to something else.
  explicit DraftFolder(std::string_view path)
      : path_(path.substr(0, path.find_last_not_of('/') + 1)), draft_(beside(".draft")), aside_(beside(".replaced")) {
    namespace fs = std::filesystem;
    std::error_code unused;
    if (fs::exists(fs::symlink_status(path_, unused)) && !fs::is_directory(path_, unused)) fail(ENOTDIR);
    bring_back();
    remove_leftovers();
    make_folders(draft_);
  }
  ~DraftFolder() {
    if (!committed_) remove_leftovers();
  }
  DraftFolder(const DraftFolder&) = delete;
  DraftFolder& operator=(const DraftFolder&) = delete;

  const std::string& path() const { return draft_; }  // where its files are written

  void commit(Replace how = Replace::exchange) {
    sync(draft_);
    if (::renameat2(AT_FDCWD, draft_.c_str(), AT_FDCWD, path_.c_str(), RENAME_NOREPLACE) != 0) replace(how);
    committed_ = true;
    writing::sync_folder(writing::parent_of(path_));
    remove_leftovers();  // the old folder
  }

 private:
  std::string path_, draft_, aside_;
  bool committed_ = false;

  std::string beside(const char* ending) const {
    const std::size_t name = path_.find_last_of('/') + 1;  // npos + 1 is 0
    return path_.substr(0, name) + "." + path_.substr(name) + ending;
  }
  // After this the old folder, if there is one, bears its own name.
  void bring_back() const {
    std::error_code unused;
    if (!std::filesystem::exists(path_, unused)) ::rename(aside_.c_str(), path_.c_str());
  }
  void remove_leftovers() const {
    std::error_code unused;
    std::filesystem::remove_all(draft_, unused);
    std::filesystem::remove_all(aside_, unused);
  }
  [[noreturn]] void fail(int error) const {
    throw Error(
        ExitCode::write,
        Complaint("WRITE-MODEL-003", "a finished folder cannot be put in place").at(path_).found(errno_text(error)));
  }
  void replace(Replace how) const {
    if (how == Replace::exchange) {
      if (::renameat2(AT_FDCWD, draft_.c_str(), AT_FDCWD, path_.c_str(), RENAME_EXCHANGE) == 0) return;
      if (errno != EINVAL && errno != ENOSYS) fail(errno);
    }
    ::rename(path_.c_str(), aside_.c_str());
    if (::rename(draft_.c_str(), path_.c_str()) == 0) return;
    const int problem = errno;
    bring_back();
    fail(problem);
  }
  // Files before the folders that name them.
  static void sync(const std::string& folder) {
    std::error_code problem;
    const std::filesystem::directory_iterator entries(folder, problem);
    if (problem) writing::fail(folder, "opendir", problem.value());
    for (const auto& entry : entries) {
      const std::string& name = entry.path().native();
      if (entry.is_directory() && !entry.is_symlink()) sync(name);
      else if (entry.is_regular_file() && !entry.is_symlink()) sync_file(name);
    }
    writing::sync_folder(folder);
  }
  static void sync_file(const std::string& path) {
    const int d = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    const int problem = d < 0 || ::fsync(d) != 0 ? errno : 0;
    if (d >= 0) ::close(d);
    if (problem != 0) writing::fail(path, "fsync", problem);
  }
};

}  // namespace vlt
