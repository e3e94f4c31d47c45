#pragma once
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vlt/base/error.hpp>

// What is fed with damaged input: a function of some bytes that returns, or throws an Error of the kind that belongs to
// its input. Any other exception, a crash, a sanitizer's report or seconds of work are findings, and so is a promise of
// the reader that its result does not keep.
namespace vlt::fuzz {

struct Target {
  const char* name;  // its folder in tests/fuzz/corpus
  void (*run)(std::string_view bytes);
  const char* seeds = "";   // a folder of tests/ with more of its inputs
  const char* tokens = "";  // what may be put into an input, with blanks between
};

// Ends the process: the input breaks a promise.
inline void promise(bool kept, const char* sentence) {
  if (kept) return;
  std::fprintf(stderr, "broken promise: %s\n", sentence);
  std::abort();
}

// Calls f, which may refuse its input with one of these exit codes.
template <class F> void may_refuse(std::initializer_list<ExitCode> with, F&& f) {
  try {
    f();
  } catch (const Error& e) {
    promise(std::find(with.begin(), with.end(), e.exit()) != with.end(), "an error has the exit code of its input");
    promise(!e.complaint().code().empty() && !e.complaint().what().empty(), "an error has a code and a sentence");
  }
}

// A file that lives in memory, for readers that open one by its path. Its bytes change with every input.
class MemoryFile {
 public:
  MemoryFile() : descriptor_(::memfd_create("fuzz", 0)), path_("/proc/self/fd/" + std::to_string(descriptor_)) {}
  ~MemoryFile() { ::close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;

  const std::string& holding(std::string_view bytes) {
    promise(::ftruncate(descriptor_, 0) == 0 &&
                ::pwrite(descriptor_, bytes.data(), bytes.size(), 0) == ::ssize_t(bytes.size()),
            "memory for a file");
    return path_;
  }

 private:
  int descriptor_;
  std::string path_;
};

}  // namespace vlt::fuzz
