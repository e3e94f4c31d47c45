#pragma once
#include <stdexcept>
#include <string>
#include <utility>

namespace vlt {

// What a process returns to its shell. Stable: scripts depend on it. (docs/errors.md)
enum class ExitCode : int {
  ok = 0,
  internal = 1,    // a bug of ours
  usage = 2,       // an option, or the environment
  data = 3,        // the data set or an image
  model = 4,       // a model, configuration or tokenizer folder
  checkpoint = 5,  // a checkpoint cannot be loaded
  write = 6,       // a checkpoint or log cannot be written
  numeric = 7,     // loss, gradient or weight is not finite
  peer = 8,        // another rank failed or disagrees
  memory = 9,      // the plan does not fit, or an allocation failed
  preempted = 10,  // state saved; run again to continue
  stalled = 11,    // a loader or a collective made no progress
};

// Everything a person needs to mend a mistake. Only `code` and `what` are required.
struct Complaint {
  std::string code;   // stable, e.g. DATA-JSON-011
  std::string what;   // one line, understandable alone
  std::string place;  // file:line:col, JSON path, file @ byte, option, tensor
  std::string expected;
  std::string found;  // quoted by `quoted()`: no control characters reach the terminal
  std::string help;   // one concrete next action
  std::string note;   // the consequence: what was written, kept or skipped
};

// A fault that the user or the outside world can mend. Broken contracts inside a program are std::logic_error instead.
class Error : public std::runtime_error {
 public:
  Error(ExitCode exit, Complaint complaint)
      : std::runtime_error(sentence(complaint)), exit_(exit), complaint_(std::move(complaint)) {}
  ExitCode exit() const { return exit_; }
  const Complaint& complaint() const { return complaint_; }

 private:
  static std::string sentence(const Complaint& c) {
    std::string text = c.place.empty() ? c.what : c.place + ": " + c.what;
    if (!c.expected.empty()) text += "; expected " + c.expected;
    if (!c.found.empty()) text += "; found " + c.found;
    return text;
  }
  ExitCode exit_;
  Complaint complaint_;
};

// Says which contract was broken, and by whom it can be mended: the caller's code.
inline void require(bool ok, const char* sentence) {
  if (!ok) throw std::invalid_argument(sentence);
}
inline void require(bool ok, const std::string& sentence) {
  if (!ok) throw std::invalid_argument(sentence);
}

}  // namespace vlt
