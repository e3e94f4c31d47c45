#pragma once
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>
#include <string_view>
#include <vlt/io/file.hpp>

namespace vlt {

// Bytes that can still be written to the file system of a path; 0 if unknown.
inline std::uint64_t free_bytes(const std::string& path) {
  struct statvfs s {};
  return ::statvfs(path.c_str(), &s) == 0 ? std::uint64_t(s.f_bavail) * s.f_frsize : 0;
}

namespace writing {

inline std::string parent_of(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  return slash == path.npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}
[[noreturn]] inline void fail(const std::string& path, const char* step, int error, std::uint64_t needed = 0) {
  const bool full = error == ENOSPC || error == EDQUOT;
  const std::string problem = std::string(step) + ": " + errno_text(error);
  Complaint c = full ? Complaint("WRITE-FILE-002", "no space left")
                     : Complaint("WRITE-FILE-001", "a file cannot be written").found(problem);
  if (full)
    c.expected(needed > 0 ? std::to_string(needed) + " bytes" : "room for the file")
        .found(problem + ", free: " + std::to_string(free_bytes(parent_of(path))) + " bytes")
        .help("free some space and run the same command again");
  throw Error(ExitCode::write, c.at(path).note("the incomplete file was removed"));
}
inline void sync_folder(const std::string& path) {
  const int d = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const int problem = d < 0 || ::fsync(d) != 0 ? errno : 0;
  if (d >= 0) ::close(d);
  if (problem != 0 && problem != EINVAL)  // some file systems cannot sync a directory
    throw Error(ExitCode::write, Complaint("WRITE-FILE-003", "a folder cannot be made durable")
                                     .at(path)
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
    throw Error(ExitCode::write,
                Complaint("WRITE-FILE-004", "a folder cannot be created").at(part).found(errno_text(errno)));
  }
  struct stat s {};
  if (::stat(path.c_str(), &s) != 0 || !S_ISDIR(s.st_mode))
    throw Error(ExitCode::write,
                Complaint("WRITE-FILE-004", "a folder cannot be created").at(path).found("a file is there"));
}

// A file in the making, under a temporary name. commit() makes it durable and visible under its own name in one step;
// whoever looks sees the old file or the new one, complete. Without commit() nothing remains.
class FileWriter {
 public:
  explicit FileWriter(std::string path, std::uint64_t expected_bytes = 0)
      : path_(std::move(path)), temporary_(path_ + ".tmp." + std::to_string(::getpid())), needed_(expected_bytes) {
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
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
  int descriptor_ = -1;
  bool committed_ = false;
};

// Replaces a file by this text, durably.
inline void write_file(const std::string& path, std::string_view text) {
  FileWriter file(path, text.size());
  file.write(text);
  file.commit();
}

}  // namespace vlt
