#pragma once
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <new>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vlt/base/error.hpp>
#include <vlt/base/quoted.hpp>
#include <vlt/io/json_line.hpp>
#include <vlt/program/explain.hpp>

namespace vlt::program {

enum class LogFormat { text, json };

// May this file descriptor be written to in colour? Only a terminal, and only if NO_COLOR (no-color.org) does not say
// otherwise.
inline bool colour_is_welcome(int descriptor) {
  const char* no_color = std::getenv("NO_COLOR");
  return (no_color == nullptr || *no_color == '\0') && isatty(descriptor) == 1;
}

// Tells people what went wrong, on one stream: paragraphs for a person, or one JSON object a line.
//   sft_main: error[DATA-JSON-006]: expected a list, found an object
//     --> train.json:1:1
//     help: ...
class Messages {
 public:
  // `build` identifies the program in an internal error.
  Messages(std::ostream& out, std::string program, std::string build, bool colour = false)
      : out_(&out), program_(std::move(program)), build_(std::move(build)), colour_(colour) {}

  void use(LogFormat format) { format_ = format; }
  // Of several ranks: errors name this one, and what all notice is left to rank 0.
  void speak_for(int rank) { rank_ = rank; }
  LogFormat format() const { return format_; }

  // Every error says what to do: what its thrower knew, or else what is said of its code. What all ranks notice is said
  // once: rank 0 speaks and ends the job before the others come to it.
  void error(const Error& e) {
    if (rank_.value_or(0) > 0) std::this_thread::sleep_for(std::chrono::milliseconds(300));
    Complaint c = e.complaint();
    if (const ErrorCode* known = error_codes::find(c.code()); known && c.help().empty())
      c.help(as_action(known->remedy));
    write("error", c, static_cast<int>(e.exit()));
  }
  void warning(const Complaint& c) {
    if (rank_.value_or(0) == 0) write("warning", c, 0);
  }
  void notice(std::string_view sentence) {
    if (rank_.value_or(0) == 0) write("note", Complaint({}, std::string(sentence)), 0);
  }
  // A bug of ours: nothing that the user did.
  void internal_error(std::string_view what) {
    const Complaint c =
        Complaint("INTERNAL-001", "internal error: " + std::string(what))
            .help("this is a bug; please report it with the command line and this line: build " + build_);
    write("error", c, static_cast<int>(ExitCode::internal));
  }

 private:
  std::ostream* out_;
  std::string program_, build_;
  bool colour_;
  LogFormat format_ = LogFormat::text;
  std::optional<int> rank_;

  static constexpr const char* plain = "\033[0m";

  // A sentence of the list of codes as the actions in messages are written: "Download it again." is "download it
  // again".
  static std::string as_action(std::string_view remedy) {
    std::string action(remedy.substr(0, remedy.size() - (remedy.ends_with('.') ? 1 : 0)));
    const bool word = action.size() > 1 && action[1] >= 'a' && action[1] <= 'z';
    if (word && action[0] >= 'A' && action[0] <= 'Z') action[0] = char(action[0] - 'A' + 'a');
    return action;
  }

  std::string painted(const char* colour, std::string_view text) const {
    return colour_ ? colour + std::string(text) + plain : std::string(text);
  }
  static const char* colour_of(std::string_view level) {
    if (level == "error") return "\033[1;31m";
    return level == "warning" ? "\033[1;33m" : "\033[1;36m";
  }
  // Line breaks stay (tables), every other control character becomes an escape.
  static std::string indented(std::string_view text, std::size_t columns) {
    std::string out;
    for (std::size_t begin = 0; begin <= text.size();) {
      const std::size_t end = std::min(text.find('\n', begin), text.size());
      if (begin > 0) out += "\n" + std::string(columns, ' ');
      out += escaped(text.substr(begin, end - begin));
      begin = end + 1;
    }
    return out;
  }
  void write(std::string_view level, const Complaint& c, int exit) {
    *out_ << (format_ == LogFormat::json ? object(level, c, exit) : paragraph(level, c)) << std::flush;
  }
  std::string paragraph(std::string_view level, const Complaint& c) const {
    const std::string head = std::string(level) + (c.code().empty() ? "" : "[" + c.code() + "]");
    std::string out = program_ + (rank_ ? "[" + std::to_string(*rank_) + "]" : "") + ": " +
                      painted(colour_of(level), head) + ": " + indented(c.what(), 2) + "\n";
    if (!c.place().empty()) out += "  " + painted("\033[1;34m", "-->") + " " + indented(c.place(), 6) + "\n";
    const auto line = [&](const char* name, const std::string& text, std::size_t column) {
      if (text.empty()) return;
      out += "  " + painted("\033[1m", name) + std::string(column - std::string_view(name).size(), ' ');
      out += indented(text, column + 2) + "\n";
    };
    line("expected:", c.expected(), 10);
    line("found:", c.found(), 10);
    line("help:", c.help(), 6);
    line("note:", c.note(), 6);
    return out;
  }
  std::string object(std::string_view level, const Complaint& c, int exit) const {
    JsonLine line;
    line.add("level", level).add("program", program_);
    if (rank_) line.add("rank", *rank_);
    if (exit != 0) line.add("exit", exit);
    const std::pair<const char*, const std::string*> fields[] = {
        {"code", &c.code()},   {"what", &c.what()}, {"place", &c.place()}, {"expected", &c.expected()},
        {"found", &c.found()}, {"help", &c.help()}, {"note", &c.note()}};
    for (const auto& [key, text] : fields)
      if (!text->empty()) line.add(key, *text);
    return line.text() + "\n";
  }
};

// Runs a program's body, which returns its exit code, and turns whatever it throws into a message and an exit code.
template <class Body> int run_program(Messages& messages, Body&& body) {
  try {
    return static_cast<int>(body());
  } catch (const Error& e) {
    messages.error(e);
    return static_cast<int>(e.exit());
  } catch (const std::bad_alloc&) {
    messages.error(
        Error(ExitCode::memory, Complaint("MEM-ALLOC-001", "an allocation failed: no memory left")
                                    .at("memory of this process")
                                    .expected("memory for what is asked")
                                    .found("none left")
                                    .help("ask for less at once: shorter texts, a smaller batch, a smaller model")));
    return static_cast<int>(ExitCode::memory);
  } catch (const std::exception& e) {
    messages.internal_error(e.what());
    return static_cast<int>(ExitCode::internal);
  }
}

}  // namespace vlt::program
