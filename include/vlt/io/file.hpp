#pragma once
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vlt/base/quoted.hpp>
#include <vlt/io/blame.hpp>
#include <vlt/io/nearest_path.hpp>

namespace vlt {

// "No such file or directory (2)".
inline std::string errno_text(int error) {
  return std::string(std::strerror(error)) + " (" + std::to_string(error) + ")";
}

// A process that may hold no more files cannot open this one either: the environment's fault, not the file's (exit 2).
inline void refuse_lack_of_descriptors(int error, const std::string& place) {
  if (error != EMFILE && error != ENFILE) return;
  throw Error(ExitCode::usage, Complaint("OPT-FILES-023", "no more files can be opened at once")
                                   .at(place)
                                   .expected("room for one more open file")
                                   .found(errno_text(error))
                                   .help("raise the limit: ulimit -n 4096"));
}

// An open regular file, read by position: no mapping, so a file that is cut while it is read is a fault with a sentence
// and not a signal. Its size is what it was when it was opened. Reading is const and may happen on several threads.
class File {
 public:
  // Takes ownership of the descriptor of a regular file. `name` is what messages call it.
  File(int descriptor, std::string name, Blame blame) : descriptor_(descriptor), name_(std::move(name)), blame_(blame) {
    struct stat s {};
    if (::fstat(descriptor_, &s) != 0) fail("cannot be examined", errno);
    size_ = std::uint64_t(s.st_size);
  }
  File(File&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)),
        size_(other.size_),
        name_(std::move(other.name_)),
        blame_(other.blame_) {}
  File& operator=(File&& other) noexcept {
    std::swap(descriptor_, other.descriptor_), std::swap(size_, other.size_), std::swap(name_, other.name_);
    blame_ = other.blame_;
    return *this;
  }
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  std::uint64_t size() const { return size_; }
  const std::string& name() const { return name_; }
  Blame blame() const { return blame_; }

  // Bytes [offset, offset + bytes). Throws FILE-001 (the system cannot read) or FILE-002 (the file ends before).
  void read(std::uint64_t offset, void* to, std::size_t bytes) const {
    auto* at = static_cast<char*>(to);
    while (bytes > 0) {
      const ::ssize_t n = ::pread(descriptor_, at, bytes, ::off_t(offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) fail("cannot be read", errno);
      if (n == 0)
        blame_.raise(Complaint("FILE-002", "the file is shorter than it was when it was opened")
                         .at(name_ + " @ byte " + std::to_string(offset))
                         .expected(std::to_string(size_) + " bytes")
                         .found("the end of the file")
                         .help("do not write to input files while they are read"));
      at += n, offset += std::uint64_t(n), bytes -= std::size_t(n);
    }
  }
  // Everything. Throws FILE-003 if that is more than `limit` bytes; `help` says what can be done about it.
  std::string read_all(std::uint64_t limit, std::string help = {}) const {
    if (size_ > limit)
      blame_.raise(Complaint("FILE-003", "the file is too large")
                       .at(name_)
                       .expected("at most " + std::to_string(limit) + " bytes")
                       .found(std::to_string(size_) + " bytes")
                       .help(std::move(help)));
    std::string text(std::size_t(size_), '\0');
    read(0, text.data(), text.size());
    return text;
  }

 private:
  int descriptor_;
  std::uint64_t size_ = 0;
  std::string name_;
  Blame blame_;

  [[noreturn]] void fail(const char* what, int error) const {
    blame_.raise(Complaint("FILE-001", std::string("the file ") + what)
                     .at(name_)
                     .expected("a file that can be read")
                     .found(errno_text(error)));
  }
};

// Opens a file that the user named on the command line: links are followed, but it must be a regular file.
// Throws PATH-001 (missing), PATH-004 (not regular), PATH-005 (denied).
inline File open_file(const std::string& path, Blame blame = blame_model) {
  const auto refuse = [&](const char* code, const char* what, std::string found, std::string help = {}) {
    blame.raise(Complaint(code, what)
                    .at(path)
                    .expected("a readable regular file")
                    .found(std::move(found))
                    .help(std::move(help)));
  };
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (descriptor < 0) {
    refuse_lack_of_descriptors(errno, path);
    if (errno == EACCES || errno == EPERM)
      refuse("PATH-005", "permission to read the file is denied", errno_text(errno));
    refuse("PATH-001", "the file cannot be opened", errno_text(errno), did_you_mean_path(path));
  }
  struct stat s {};
  if (::fstat(descriptor, &s) != 0 || !S_ISREG(s.st_mode)) {
    ::close(descriptor);
    refuse("PATH-004", "this is not a regular file", S_ISDIR(s.st_mode) ? "a directory" : "a device, pipe or socket");
  }
  return File(descriptor, path, blame);
}

inline std::string read_whole_file(const std::string& path, std::uint64_t limit, Blame blame = blame_model) {
  return open_file(path, blame).read_all(limit);
}

}  // namespace vlt
