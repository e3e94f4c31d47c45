#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vlt/io/write_file.hpp>

namespace vlt {

// A file that is written a line at a time: each reaches the system before the call returns, and people may read along.
// WRITE-LOG-001, with the system's reason, if it cannot.
class LineFile {
 public:
  enum class Existing { replace, refuse };

  // what: what messages call its contents. OPT-OUT-012 if the file is there and must not be.
  LineFile(std::string path, std::string what, Existing existing = Existing::replace)
      : path_(std::move(path)), what_(std::move(what)) {
    const int how = O_WRONLY | O_CLOEXEC;
    if (existing == Existing::refuse && precious(path_)) refuse_existing(path_);
    descriptor_ = ::open(path_.c_str(), how | O_CREAT | (existing == Existing::refuse ? O_EXCL : O_TRUNC), 0666);
    if (descriptor_ < 0 && errno == EEXIST) descriptor_ = ::open(path_.c_str(), how);  // a device or pipe
    if (descriptor_ >= 0) return;
    refuse_lack_of_descriptors(errno, path_);
    fail();
  }
  ~LineFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  LineFile(LineFile&& other) noexcept
      : path_(std::move(other.path_)),
        what_(std::move(other.what_)),
        descriptor_(std::exchange(other.descriptor_, -1)) {}
  LineFile& operator=(LineFile&&) = delete;

  void write(std::string_view line) {
    std::string text(line);
    text += '\n';
    for (std::string_view left = text; !left.empty();) {
      const ::ssize_t n = ::write(descriptor_, left.data(), left.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) fail();
      left.remove_prefix(std::size_t(n));
    }
  }

  // Is there something of this name that writing would destroy? A device or a pipe takes what comes.
  static bool precious(const std::string& path) {
    struct stat s {};
    return ::stat(path.c_str(), &s) == 0 && !S_ISCHR(s.st_mode) && !S_ISFIFO(s.st_mode);
  }
  [[noreturn]] static void refuse_existing(const std::string& path) {
    throw Error(ExitCode::usage, Complaint("OPT-OUT-012", "the file for the output is there already")
                                     .at(path)
                                     .expected("the name of a new file")
                                     .found("a file of that name")
                                     .help("name another file, or remove this one")
                                     .note("nothing was written"));
  }

 private:
  std::string path_, what_;
  int descriptor_ = -1;

  [[noreturn]] void fail() const {
    throw Error(ExitCode::write, Complaint("WRITE-LOG-001", what_ + " cannot be written")
                                     .at(path_)
                                     .expected("a file that can be written")
                                     .found(errno_text(errno))
                                     .help("see that the folder is writable and that its disk has room"));
  }
};

}  // namespace vlt
