#pragma once
#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <string_view>
#include <vector>
#include <vlt/base/quoted.hpp>
#include <vlt/io/blame.hpp>
#include <vlt/io/silent_handler.hpp>

namespace vlt {

// file:line:column of a byte of a text, both counted from 1.
inline std::string line_and_column(std::string_view text, std::size_t at, const std::string& name) {
  const std::string_view before = text.substr(0, at);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const std::size_t newline = before.rfind('\n');
  return name + ":" + std::to_string(line) + ":" +
         std::to_string(newline == std::string_view::npos ? at + 1 : at - newline);
}

namespace unambiguous_json {

// Listens to the JSON parser and stops it where readers would disagree: at a key that its object has already, and at a
// number that no double can hold and that the parser would make an infinity.
class Watcher : public SilentHandler {
 public:
  const std::string& repeated() const { return repeated_; }
  const std::string& unbounded() const { return unbounded_; }

  bool on_object_begin(error&) { return open_.emplace_back(), true; }
  bool on_object_end(std::size_t, error&) { return open_.pop_back(), true; }
  bool on_key_part(text s, std::size_t, error&) { return key_.append(s.data(), s.size()), true; }
  bool on_key(text s, std::size_t, error& problem) {
    key_.append(s.data(), s.size());
    if (open_.back().insert(key_).second) return key_.clear(), true;
    repeated_ = key_;
    return stop(problem);
  }
  bool on_double(double d, text s, error& problem) {
    if (std::isfinite(d)) return true;
    unbounded_.assign(s.data(), s.size());
    return stop(problem);
  }

 private:
  std::vector<std::set<std::string>> open_;
  std::string key_, repeated_, unbounded_;

  static bool stop(error& problem) {
    problem = boost::json::error::exception;  // the caller asks what it was
    return false;
  }
};

}  // namespace unambiguous_json

// JSON in which one object has a key twice, or a number is beyond a double, means two things: JSON-005 and JSON-006 say
// which, and where it ends. The text is valid JSON already.
inline void refuse_ambiguous_json(std::string_view text, const std::string& name, Blame blame = blame_model,
                                  std::size_t depth = 32) {
  boost::json::parse_options options;
  options.max_depth = depth;
  const std::string_view marked = text;
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  boost::json::basic_parser<unambiguous_json::Watcher> parser(options);
  boost::json::error_code problem;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), problem);
  if (!problem) return;
  const std::string place = line_and_column(marked, std::min(used, text.size()) + marked.size() - text.size(), name);
  const auto& events = parser.handler();
  if (!events.unbounded().empty())
    blame.raise(Complaint("JSON-006", "a number is larger than any that can be computed with")
                    .at(place)
                    .expected("a number of at most 1.8e308")
                    .found(quoted(events.unbounded())));
  blame.raise(Complaint("JSON-005", "a key stands twice in one object")
                  .at(place)
                  .expected("each key once")
                  .found(quoted(events.repeated())));
}

}  // namespace vlt
