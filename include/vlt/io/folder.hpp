#pragma once
#include <dirent.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

#include <algorithm>
#include <climits>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>
#include <vlt/base/ascii.hpp>
#include <vlt/base/nearest.hpp>
#include <vlt/io/file.hpp>

namespace vlt {

// A directory whose files are named by input that nobody has vouched for: a data set, a model's index. No name leads
// out of it, whatever dots, links or mounts of /proc it goes through, and only regular files are opened.
class Folder {
 public:
  // kind: what its files are called in messages, "image" or "model". Throws PATH-001, 004 or 005.
  explicit Folder(std::string path, Blame blame = blame_model, std::string kind = "model")
      : path_(std::move(path)), kind_(std::move(kind)), blame_(blame) {
    root_ = open_root(hub_snapshot() ? path_ + "/../.." : path_);
    if (hub_snapshot()) inside_ = snapshot_part();
  }

  const std::string& path() const { return path_; }
  Blame blame() const { return blame_; }
  std::string name_of(std::string_view name) const { return path_ + "/" + std::string(name); }

  // Throws PATH-001 missing, 002 escapes, 003 absolute, 004 not-regular, 005 denied, 006 too-long, 007 not a file name.
  File open(std::string_view name) const {
    check_name(name);
    const std::string full = inside_ + std::string(name);
    const int look = open_beneath(full, O_PATH | O_CLOEXEC);  // without touching it: a device could react
    if (look < 0) refuse_errno(name, errno);
    struct stat s {};
    const bool regular = ::fstat(look, &s) == 0 && S_ISREG(s.st_mode);
    ::close(look);
    if (!regular) refuse_kind(name, s.st_mode);
    const int descriptor = open_beneath(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0) refuse_errno(name, errno);
    if (::fstat(descriptor, &s) != 0 || !S_ISREG(s.st_mode)) {
      ::close(descriptor);
      refuse_kind(name, s.st_mode);
    }
    return File(descriptor, name_of(name), blame_);
  }
  // Nothing if there is no such file; other faults as in open().
  std::optional<File> find(std::string_view name) const {
    check_name(name);
    const int look = open_beneath(inside_ + std::string(name), O_PATH | O_CLOEXEC);
    if (look < 0 && errno == ENOENT) return std::nullopt;
    if (look >= 0) ::close(look);
    return open(name);
  }
  std::string read(std::string_view name, std::uint64_t limit) const { return open(name).read_all(limit); }

  // The names in the folder, sorted, at most `limit` of them.
  std::vector<std::string> names(std::size_t limit = 10000) const { return names_in("", limit); }

 private:
  struct Closer {
    void operator()(int* d) const { ::close(*d), delete d; }
  };
  std::string path_, kind_, inside_;
  Blame blame_;
  std::shared_ptr<int> root_;

  // A Hugging Face cache keeps files in blobs/ and links to them from snapshots/<revision>/: there the repository is
  // what no name may leave.
  bool hub_snapshot() const {
    const std::size_t last = path_.find_last_not_of('/'), slash = path_.rfind('/', last);
    if (last == std::string::npos || slash == std::string::npos || slash < 9) return false;
    const std::string before = path_.substr(0, slash);
    const std::size_t repository = before.rfind("/models--");
    return before.ends_with("/snapshots") && repository != std::string::npos &&
           before.find('/', repository + 1) == before.size() - 10;
  }
  std::string snapshot_part() const {
    const std::size_t last = path_.find_last_not_of('/');
    return path_.substr(path_.rfind("/snapshots/", last) + 1, std::string::npos) + "/";
  }

  std::shared_ptr<int> open_root(const std::string& path) const {
    const int d = ::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (d >= 0) return {new int(d), Closer{}};
    const int error = errno;
    refuse_lack_of_descriptors(error, path);
    const char* code = error == ENOTDIR ? "PATH-004" : error == EACCES ? "PATH-005" : "PATH-001";
    blame_.raise(Complaint(code, "the " + kind_ + " folder cannot be opened")
                     .at(path_)
                     .expected("a folder")
                     .found(errno_text(error))
                     .help(error == ENOENT ? did_you_mean_path(path_) : ""));
  }

  int open_beneath(const std::string& name, int flags) const {
    open_how how{};
    how.flags = std::uint64_t(flags), how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    int d;
    do {
      d = int(::syscall(SYS_openat2, *root_, name.c_str(), &how, sizeof how));
    } while (d < 0 && (errno == EINTR || errno == EAGAIN));
    return d >= 0 || errno != ENOSYS ? d : open_then_compare(name, flags);
  }
  // Kernels before 5.6: find the file without opening it, ask where it is, and open what was found.
  int open_then_compare(const std::string& name, int flags) const {
    const int look = ::openat(*root_, name.c_str(), O_PATH | O_CLOEXEC);
    if (look < 0) return look;
    const std::string root = place_of(*root_), file = place_of(look);
    const std::string link = "/proc/self/fd/" + std::to_string(look);
    const bool beneath = !root.empty() && file.starts_with(root == "/" ? root : root + "/");
    const int d = beneath ? ::open(link.c_str(), flags) : -1;
    const int error = beneath ? errno : EXDEV;
    ::close(look);
    errno = error;
    return d;
  }
  static std::string place_of(int descriptor) {
    char text[PATH_MAX];
    const ::ssize_t n = ::readlink(("/proc/self/fd/" + std::to_string(descriptor)).c_str(), text, sizeof text);
    return n > 0 ? std::string(text, std::size_t(n)) : std::string();
  }

  [[noreturn]] void refuse(const char* code, std::string_view name, const std::string& reason,
                           std::string help = {}) const {
    blame_.raise(Complaint(code, kind_ + " file " + reason)
                     .at(path_)
                     .expected("the name of a file inside " + path_)
                     .found(quoted(name))
                     .help(std::move(help)));
  }
  void check_name(std::string_view name) const {
    if (name.empty()) refuse("PATH-007", name, "is missing: the name is empty");
    if (name.find('\0') != name.npos) refuse("PATH-007", name, "is missing: NUL in file name");
    if (name.find("://") != name.npos && name.find("://") < 8)
      refuse("PATH-007", name, "is missing: URLs are not fetched",
             "download the file and name it relative to " + path_);
    if (name.front() == '/') refuse("PATH-003", name, "has an absolute name", "write the name relative to " + path_);
    if (name.size() > 4095) refuse("PATH-006", name, "has a name that is too-long");
  }
  [[noreturn]] void refuse_kind(std::string_view name, ::mode_t mode) const {
    const char* kind = S_ISDIR(mode)    ? "a directory"
                       : S_ISFIFO(mode) ? "a pipe"
                       : S_ISSOCK(mode) ? "a socket"
                                        : "a device";
    refuse("PATH-004", name, std::string("is not-regular: ") + kind);
  }
  [[noreturn]] void refuse_errno(std::string_view name, int error) const {
    refuse_lack_of_descriptors(error, name_of(name));
    const std::string text = ": " + errno_text(error);
    switch (error) {
      case EXDEV:
        refuse("PATH-002", name, "escapes its folder", "names must stay inside " + path_ + "; copy the file there");
      case ELOOP:
        refuse("PATH-004", name, "is not-regular: its links form a loop" + text);
      case EACCES:
      case EPERM:
        refuse("PATH-005", name, "cannot be read: denied" + text);
      case ENAMETOOLONG:
        refuse("PATH-006", name, "has a name that is too-long" + text);
      case ENXIO:
        refuse("PATH-004", name, "is not-regular: a socket or pipe" + text);
      default:
        refuse("PATH-001", name, "is missing" + text, suggestion(name));
    }
  }

  std::vector<std::string> names_in(const std::string& part, std::size_t limit) const {
    std::vector<std::string> found;
    const int d =
        open_beneath(part.empty() && inside_.empty() ? "." : inside_ + part, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ::DIR* list = d < 0 ? nullptr : ::fdopendir(d);
    if (!list) {
      if (d >= 0) ::close(d);
      return found;
    }
    while (const auto* entry = ::readdir(list)) {
      const std::string name = entry->d_name;
      if (name != "." && name != "..") found.push_back(name);
      if (found.size() >= limit) break;
    }
    ::closedir(list);
    std::sort(found.begin(), found.end());
    return found;
  }
  std::string suggestion(std::string_view name) const {
    const std::size_t slash = name.rfind('/');
    const std::string part = slash == name.npos ? "" : std::string(name.substr(0, slash + 1));
    const std::string last(name.substr(part.size()));
    const auto present = names_in(part, 10000);
    for (const std::string& p : present)
      if (ascii_lower(p) == ascii_lower(last)) return "did you mean " + quoted(part + p) + "? (letters differ in case)";
    const std::string nearest = nearest_name(last, present);
    return nearest.empty() ? "" : "did you mean " + quoted(part + nearest) + "?";
  }
};

}  // namespace vlt
