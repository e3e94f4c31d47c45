#pragma once
#include <set>
#include <string>
#include <vector>
#include <vlt/io/json.hpp>
#include <vlt/io/silent_handler.hpp>

namespace vlt {
namespace json_keys {

// Listens to the JSON parser and remembers the keys of every object that is still open.
class Watcher : public SilentHandler {
 public:
  const std::string& repeated() const { return repeated_; }

  bool on_object_begin(error&) { return open_.emplace_back(), true; }
  bool on_object_end(std::size_t, error&) { return open_.pop_back(), true; }
  bool on_key_part(text s, std::size_t, error&) { return key_.append(s.data(), s.size()), true; }
  bool on_key(text s, std::size_t, error& problem) {
    key_.append(s.data(), s.size());
    if (open_.back().insert(key_).second) return key_.clear(), true;
    repeated_ = key_;
    problem = boost::json::error::exception;  // stops the parser; the caller asks repeated()
    return false;
  }

 private:
  std::vector<std::set<std::string>> open_;
  std::string key_, repeated_;
};

}  // namespace json_keys

// JSON in which one object has a key twice means two things; JSON-005 says which key, and where the second one ends.
// The text is valid JSON already.
inline void refuse_repeated_keys(std::string_view text, const std::string& name, Blame blame = blame_model) {
  boost::json::basic_parser<json_keys::Watcher> parser(boost::json::parse_options{});
  boost::json::error_code problem;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), problem);
  if (const std::string& key = parser.handler().repeated(); problem && !key.empty())
    blame.raise(Complaint("JSON-005", "a key occurs twice")
                    .at(line_and_column(text, std::min(used, text.size()), name))
                    .found(quoted(key)));
}

}  // namespace vlt
