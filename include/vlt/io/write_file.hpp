#pragma once
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vlt/io/file.hpp>

namespace vlt {

// What the file system of a path still has room for.
struct FreeSpace {
  std::uint64_t bytes;
  bool files;  // one more at least; some file systems do not count them
};

// Nothing if the system does not say.
inline std::optional<FreeSpace> free_space(const std::string& path) {
  struct statvfs s {};
  if (::statvfs(path.c_str(), &s) != 0) return std::nullopt;
  return FreeSpace{std::uint64_t(s.f_bavail) * s.f_frsize, s.f_files == 0 || s.f_favail > 0};
}

namespace writing {

inline std::string parent_of(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  return slash == path.npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}
// How the file system of a path is full.
inline std::string shown_space(const std::string& path) {
  const auto space = free_space(path);
  if (!space) return {};
  return space->files ? ", free: " + std::to_string(space->bytes) + " bytes" : ", free: no inode for another file";
}
[[noreturn]] inline void fail(const std::string& path, const char* step, int error, std::uint64_t needed = 0) {
  refuse_lack_of_descriptors(error, path);
  const bool full = error == ENOSPC || error == EDQUOT;
  const std::string problem = std::string(step) + ": " + errno_text(error);
  Complaint c =
      full ? Complaint("WRITE-FILE-002", "no space left") : Complaint("WRITE-FILE-001", "a file cannot be written");
  c.expected(needed > 0 ? "room for " + std::to_string(needed) + " bytes" : "room for the file").found(problem);
  if (full) {
    c.found(problem + shown_space(parent_of(path)));
    c.help("free some space, or name a folder on another disk");
  } else if (error == EFBIG) {
    c.help("raise the limit on the size of files: ulimit -f unlimited");
  }
  throw Error(ExitCode::write, c.at(path).note("what was incomplete was removed"));
}
inline void sync_folder(const std::string& path) {
  const int d = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const int problem = d < 0 || ::fsync(d) != 0 ? errno : 0;
  if (d >= 0) ::close(d);
  if (problem != 0 && problem != EINVAL)  // some file systems cannot sync a directory
    throw Error(ExitCode::write, Complaint("WRITE-FILE-003", "a folder cannot be made durable")
                                     .at(path)
                                     .expected("a folder that can be synchronised")
                                     .found(errno_text(problem))
                                     .note("its files are visible, but would perhaps not survive a power failure"));
}

}  // namespace writing

// Creates a folder and those above it. WRITE-FILE-004 where that is impossible.
inline void make_folders(const std::string& path) {
  for (std::size_t at = 1; at <= path.size(); ++at) {
    if (at != path.size() && path[at] != '/') continue;
    const std::string part = path.substr(0, at);
    if (::mkdir(part.c_str(), 0777) == 0 || errno == EEXIST || errno == EISDIR) continue;
    if (errno == ENOSPC || errno == EDQUOT) writing::fail(part, "mkdir", errno);
    throw Error(ExitCode::write, Complaint("WRITE-FILE-004", "a folder cannot be created")
                                     .at(part)
                                     .expected("a folder in which one can be made")
                                     .found(errno_text(errno)));
  }
  struct stat s {};
  if (::stat(path.c_str(), &s) != 0 || !S_ISDIR(s.st_mode))
    throw Error(ExitCode::write, Complaint("WRITE-FILE-004", "a folder cannot be created")
                                     .at(path)
                                     .expected("a free name, or a folder")
                                     .found("a file is there"));
}

// Nothing that is there is written over: a folder that an option names must be new or empty (OPT-OUT-012).
inline void require_new_folder(const std::string& path, const std::string& option) {
  namespace fs = std::filesystem;
  std::error_code problem;
  if (path.empty() || !fs::exists(path, problem)) return;
  std::string found = "a file of that name";
  if (fs::is_directory(path, problem)) {
    const fs::directory_iterator first(path, problem);
    if (problem) found = problem.message();
    else if (first == fs::directory_iterator()) return;
    else found = "it holds " + quoted(first->path().filename().string());
  }
  throw Error(ExitCode::usage, Complaint("OPT-OUT-012", "the folder for the output is not new")
                                   .at(option + " " + path)
                                   .expected("a new or empty folder")
                                   .found(found)
                                   .help("name a new folder, or remove what is there")
                                   .note("nothing was written"));
}

// A file in the making, under a temporary name. commit() makes it durable and visible under its own name in one step;
// whoever looks sees the old file or the new one, complete. Without commit() nothing remains.
class FileWriter {
 public:
  explicit FileWriter(std::string path, std::uint64_t expected_bytes = 0)
      : path_(std::move(path)),
        temporary_(path_ + ".tmp." + std::to_string(::getpid())),
        needed_(expected_bytes),
        descriptor_(::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)) {
    if (descriptor_ < 0) writing::fail(path_, "open", errno, needed_);
  }
  ~FileWriter() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (!committed_) ::unlink(temporary_.c_str());
  }
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;

  const std::string& path() const { return path_; }
  void write(const void* from, std::size_t bytes) {
    const auto* at = static_cast<const char*>(from);
    while (bytes > 0) {
      const ::ssize_t n = ::write(descriptor_, at, bytes);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) writing::fail(path_, "write", errno, needed_);
      at += n, bytes -= std::size_t(n);
    }
  }
  void write(std::string_view text) { write(text.data(), text.size()); }

  void commit() {
    if (::fsync(descriptor_) != 0) writing::fail(path_, "fsync", errno, needed_);
    if (::close(std::exchange(descriptor_, -1)) != 0) writing::fail(path_, "close", errno, needed_);
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) writing::fail(path_, "rename", errno, needed_);
    committed_ = true;
    writing::sync_folder(writing::parent_of(path_));
  }

 private:
  std::string path_, temporary_;
  std::uint64_t needed_;
  int descriptor_;
  bool committed_ = false;
};

// Replaces a file by this text, durably.
inline void write_file(const std::string& path, std::string_view text) {
  FileWriter file(path, text.size());
  file.write(text);
  file.commit();
}

}  // namespace vlt
