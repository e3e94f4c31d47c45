#pragma once
#include <algorithm>
#include <boost/json.hpp>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vlt/io/unambiguous_json.hpp>

namespace vlt {

// A JSON value together with the path that led to it, so that every complaint says where. Faults are Errors of the
// given blame: JSON-002 (another type than expected), JSON-003 (a key is missing).
class Json {
 public:
  Json(const boost::json::value& value, std::string path, Blame blame = blame_model)
      : value_(&value), path_(std::move(path)), blame_(blame) {}

  const std::string& path() const { return path_; }
  const boost::json::value& raw() const { return *value_; }
  Blame blame() const { return blame_; }
  bool is_null() const { return value_->is_null(); }
  bool is_array() const { return value_->is_array(); }
  bool is_object() const { return value_->is_object(); }
  bool is_number() const { return value_->is_number(); }

  const boost::json::object& object() const { return expect(value_->if_object(), "an object"); }
  const boost::json::array& array() const { return expect(value_->if_array(), "a list"); }
  std::string string() const { return std::string(expect(value_->if_string(), "a string")); }
  bool boolean() const { return expect(value_->if_bool(), "true or false"); }
  double number() const {
    if (!value_->is_number()) refuse("a number");
    return value_->to_number<double>();
  }
  std::int64_t integer() const {
    const std::int64_t* i = value_->if_int64();
    if (!i) refuse("an integer");
    return *i;
  }
  std::int32_t index() const {
    const std::int64_t* i = value_->if_int64();
    if (!i || *i < 0 || *i > std::numeric_limits<std::int32_t>::max()) refuse("an integer from 0 to 2147483647");
    return static_cast<std::int32_t>(*i);
  }

  Json operator[](std::size_t i) const {
    const std::string at = path_ + "[" + std::to_string(i) + "]";
    if (i >= array().size())
      blame_.raise(Complaint("JSON-003", "a list is too short")
                       .at(at)
                       .expected("at least " + std::to_string(i + 1) + " elements")
                       .found(std::to_string(array().size())));
    return {array()[i], at, blame_};
  }
  Json at(std::string_view key) const {
    const boost::json::value* v = object().if_contains(key);
    if (!v)
      blame_.raise(Complaint("JSON-003", "key " + quoted(key) + " is missing")
                       .at(path_)
                       .expected("the key " + quoted(key))
                       .found(keys_shown()));
    return {*v, path_ + "." + std::string(key), blame_};
  }
  // Absent and null mean the same in these files.
  std::optional<Json> find(std::string_view key) const {
    const boost::json::value* v = object().if_contains(key);
    if (!v || v->is_null()) return std::nullopt;
    return Json(*v, path_ + "." + std::string(key), blame_);
  }
  bool boolean(std::string_view key, bool absent) const {
    const auto v = find(key);
    return v ? v->boolean() : absent;
  }
  std::string string(std::string_view key, std::string_view absent) const {
    const auto v = find(key);
    return v ? v->string() : std::string(absent);
  }
  double number(std::string_view key, double absent) const {
    const auto v = find(key);
    return v ? v->number() : absent;
  }
  std::int32_t index(std::string_view key, std::int32_t absent) const {
    const auto v = find(key);
    return v ? v->index() : absent;
  }

  // For values of the right type that mean something impossible or unsupported.
  [[noreturn]] void refuse(std::string what, std::string expected, std::string help = {}) const {
    blame_.raise(Complaint("JSON-004", std::move(what))
                     .at(path_)
                     .expected(std::move(expected))
                     .found(shown())
                     .help(std::move(help)));
  }

 private:
  const boost::json::value* value_;
  std::string path_;
  Blame blame_;

  // The object's keys, as far as a line can hold them.
  std::string keys_shown() const {
    std::string keys;
    for (const auto& member : object()) {
      if (keys.size() > 80) return keys + ", ...";
      keys += (keys.empty() ? "" : ", ") + quoted(member.key(), 40);
    }
    return keys.empty() ? "no key" : keys;
  }
  std::string shown() const {
    if (const auto* s = value_->if_string()) return quoted(*s);
    if (value_->is_object()) return "an object";
    if (value_->is_array()) return "a list of " + std::to_string(value_->as_array().size());
    return boost::json::serialize(*value_);
  }
  [[noreturn]] void refuse(const char* expected) const {
    blame_.raise(
        Complaint("JSON-002", "a value has the wrong type or range").at(path_).expected(expected).found(shown()));
  }
  template <class T> const T& expect(const T* p, const char* expected) const {
    if (!p) refuse(expected);
    return *p;
  }
};

// file:line:column of a byte of a text, both counted from 1.
inline std::string line_and_column(std::string_view text, std::size_t at, const std::string& name) {
  const std::string_view before = text.substr(0, at);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const std::size_t newline = before.rfind('\n');
  return name + ":" + std::to_string(line) + ":" +
         std::to_string(newline == std::string_view::npos ? at + 1 : at - newline);
}

// Strict JSON: UTF-8, nesting at most `depth`, each key once, numbers that a double can hold; a mistake is JSON-001,
// 005 or 006 with line and column.
inline boost::json::value parse_json(std::string_view text, const std::string& name, Blame blame = blame_model,
                                     std::size_t depth = 32) {
  const std::string_view marked = text;
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  boost::json::parse_options options;
  options.max_depth = depth;
  boost::json::stream_parser parser({}, options);
  boost::json::error_code problem;
  std::size_t used = parser.write_some(text.data(), text.size(), problem);
  const std::size_t next = text.find_first_not_of(" \t\r\n", used);
  if (!problem && next != std::string_view::npos) problem = boost::json::error::extra_data, used = next;
  if (!problem) parser.finish(problem);
  if (problem) {
    std::string what = problem.message();
    if (problem == boost::json::error::too_deep) what = "nesting deeper than " + std::to_string(depth);
    if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) what = "an empty file is not JSON";
    const std::size_t at = std::min(used, text.size());
    blame.raise(Complaint("JSON-001", "not valid JSON: " + what)
                    .at(line_and_column(marked, at + marked.size() - text.size(), name))
                    .expected("JSON as RFC 8259 has it")
                    .found(at < text.size() ? quoted(text.substr(at, 20)) : "the end of the file"));
  }
  refuse_ambiguous_json(text, name, blame, depth);
  return parser.release();
}

}  // namespace vlt
