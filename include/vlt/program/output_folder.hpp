#pragma once
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <utility>
#include <vlt/io/file.hpp>

namespace vlt::program {

// The folder of a run: new or empty when the run begins, unless it goes on with what is there; and locked while it
// lasts. The lock is the kernel's (flock), so that a process that dies leaves none behind. The list of bad records may
// be there: it is what a start that they ended leaves, and the next start writes it anew.
class OutputFolder {
 public:
  enum class Before : std::uint8_t { empty, anything };  // what it may hold

  static constexpr const char* bad_records = "skipped.jsonl";

  explicit OutputFolder(std::string path, Before before = Before::empty) : path_(std::move(path)) {
    namespace fs = std::filesystem;
    std::error_code problem;
    if (fs::exists(path_, problem) && !fs::is_directory(path_, problem))
      complain(ExitCode::usage, "OPT-OUT-012", "it is not a folder", "name a new folder");
    fs::create_directories(path_, problem);
    if (problem) complain(ExitCode::write, "WRITE-DIR-002", "cannot be created: " + problem.message());
    lock();
    if (before == Before::anything) return;
    const fs::directory_iterator entries(path_, problem);
    refuse_lack_of_descriptors(problem.value(), path_);
    if (problem) complain(ExitCode::write, "WRITE-DIR-002", "cannot be listed: " + problem.message());
    for (const auto& entry : entries)
      if (entry.path().filename() != lock_name && entry.path().filename() != bad_records)
        complain(ExitCode::usage, "OPT-OUT-012", "it is not empty: it holds " + entry.path().filename().string(),
                 "name a new folder; or go on with what is there: --from_checkpoint auto");
  }
  ~OutputFolder() {
    if (descriptor_ < 0) return;
    ::unlink(file(lock_name).c_str());
    ::close(descriptor_);
  }
  OutputFolder(const OutputFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  static constexpr const char* lock_name = ".lock";
  std::string path_;
  int descriptor_ = -1;

  [[noreturn]] void complain(ExitCode exit, const char* code, const std::string& what, const std::string& help = {}) {
    if (descriptor_ >= 0) ::unlink(file(lock_name).c_str()), ::close(std::exchange(descriptor_, -1));
    throw Error(exit, Complaint(code, "the output folder cannot be used")
                          .at("--output_dir " + path_)
                          .expected("a new or empty folder that can be written")
                          .found(what)
                          .help(help)
                          .note("nothing was written"));
  }
  // Is the file that is open the one that bears the lock's name? Its owner before may have removed it meanwhile.
  bool current() const {
    struct stat mine {
    }, named{};
    return ::fstat(descriptor_, &mine) == 0 && ::stat(file(lock_name).c_str(), &named) == 0 &&
           mine.st_ino == named.st_ino && mine.st_dev == named.st_dev;
  }
  void lock() {
    descriptor_ = ::open(file(lock_name).c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (descriptor_ < 0) refuse_lack_of_descriptors(errno, path_);
    if (descriptor_ < 0) complain(ExitCode::write, "WRITE-DIR-002", std::strerror(errno));
    const bool taken = ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0;
    if (taken && !current()) {
      ::close(std::exchange(descriptor_, -1));
      return lock();
    }
    if (!taken) {
      char owner[32] = "";
      [[maybe_unused]] const auto n = ::pread(descriptor_, owner, sizeof owner - 1, 0);
      ::close(std::exchange(descriptor_, -1));
      complain(ExitCode::usage, "OPT-OUT-013", "process " + std::string(owner) + " is writing there",
               "wait for it, or name another folder");
    }
    const std::string me = std::to_string(::getpid());
    if (::ftruncate(descriptor_, 0) != 0 || ::pwrite(descriptor_, me.data(), me.size(), 0) != ssize_t(me.size()))
      complain(ExitCode::write, "WRITE-DIR-002", std::strerror(errno));
  }
};

}  // namespace vlt::program
