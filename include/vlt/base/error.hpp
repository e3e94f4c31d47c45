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

// Everything a person needs to mend a mistake. A code and one line, understandable alone, are required; the rest is
// added by name: Complaint("DATA-JSON-011", "a comment: JSON has none").at("train.json:7:2").help("remove the comment")
class Complaint {
 public:
  Complaint() = default;
  Complaint(std::string code, std::string what) : code_(std::move(code)), what_(std::move(what)) {}

  const std::string& code() const { return code_; }          // stable, e.g. DATA-JSON-011
  const std::string& what() const { return what_; }          // one line
  const std::string& place() const { return place_; }        // file:line:col, JSON path, file @ byte, option, tensor
  const std::string& expected() const { return expected_; }  // what would have been right
  const std::string& found() const { return found_; }        // `quoted()`: no control characters reach the terminal
  const std::string& help() const { return help_; }          // one concrete next action
  const std::string& note() const { return note_; }          // the consequence: what was written, kept or skipped

  Complaint& at(std::string place) { return put(place_, std::move(place)); }
  Complaint& expected(std::string text) { return put(expected_, std::move(text)); }
  Complaint& found(std::string text) { return put(found_, std::move(text)); }
  Complaint& help(std::string action) { return put(help_, std::move(action)); }
  Complaint& note(std::string consequence) { return put(note_, std::move(consequence)); }
  // The place is inside a wider one, which is named first.
  Complaint& within(const std::string& wider) { return at(place_.empty() ? wider : wider + "  " + place_); }
  // The code is one of a family: "ST-013" of MODEL is MODEL-ST-013.
  Complaint& of_family(const std::string& family) { return put(code_, family + "-" + code_); }

 private:
  std::string code_, what_, place_, expected_, found_, help_, note_;

  Complaint& put(std::string& member, std::string text) {
    member = std::move(text);
    return *this;
  }
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
    std::string text = c.place().empty() ? c.what() : c.place() + ": " + c.what();
    if (!c.expected().empty()) text += "; expected " + c.expected();
    if (!c.found().empty()) text += "; found " + c.found();
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
