#pragma once
#include <algorithm>
#include <boost/json.hpp>
#include <cstdint>
#include <fstream>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vlt/base/error.hpp>

namespace vlt {

// A JSON value together with the path that led to it, so that every complaint says where.
class Json {
 public:
  Json(const boost::json::value& value, std::string path) : value_(&value), path_(std::move(path)) {}

  const std::string& path() const { return path_; }
  const boost::json::value& raw() const { return *value_; }
  bool is_null() const { return value_->is_null(); }
  bool is_array() const { return value_->is_array(); }

  const boost::json::object& object() const { return expect(value_->if_object(), "an object"); }
  const boost::json::array& array() const { return expect(value_->if_array(), "a list"); }
  std::string string() const { return std::string(expect(value_->if_string(), "a string")); }
  bool boolean() const { return expect(value_->if_bool(), "true or false"); }
  std::int32_t index() const {
    const std::int64_t* i = value_->if_int64();
    if (!i || *i < 0 || *i > std::numeric_limits<std::int32_t>::max()) refuse("an integer from 0 to 2147483647");
    return static_cast<std::int32_t>(*i);
  }

  Json operator[](std::size_t i) const { return {array().at(i), path_ + "[" + std::to_string(i) + "]"}; }
  Json at(std::string_view key) const {
    const boost::json::value* v = object().if_contains(key);
    if (!v) throw std::invalid_argument(path_ + ": key \"" + std::string(key) + "\" is missing");
    return {*v, path_ + "." + std::string(key)};
  }
  // Absent and null mean the same in these files.
  std::optional<Json> find(std::string_view key) const {
    const boost::json::value* v = object().if_contains(key);
    if (!v || v->is_null()) return std::nullopt;
    return Json(*v, path_ + "." + std::string(key));
  }
  bool boolean(std::string_view key, bool absent) const {
    const auto v = find(key);
    return v ? v->boolean() : absent;
  }
  std::string string(std::string_view key, std::string_view absent) const {
    const auto v = find(key);
    return v ? v->string() : std::string(absent);
  }

 private:
  const boost::json::value* value_;
  std::string path_;

  [[noreturn]] void refuse(const char* expected) const {
    throw std::invalid_argument(path_ + ": expected " + expected + ", found " +
                                std::string(boost::json::to_string(value_->kind())));
  }
  template <class T> const T& expect(const T* p, const char* expected) const {
    if (!p) refuse(expected);
    return *p;
  }
};

inline std::string read_whole_file(const std::string& path, std::size_t limit) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  require(bool(file), path + ": cannot be opened");
  const auto size = static_cast<std::size_t>(file.tellg());
  require(size <= limit, path + ": " + std::to_string(size) + " bytes, the limit is " + std::to_string(limit));
  std::string text(size, '\0');
  file.seekg(0);
  file.read(text.data(), static_cast<std::streamsize>(size));
  require(bool(file), path + ": cannot be read");
  return text;
}

// Strict JSON: UTF-8, nesting at most 32; a mistake is reported with line and column.
inline boost::json::value parse_json(std::string_view text, const std::string& name) {
  boost::json::parse_options options;
  options.max_depth = 32;
  boost::json::stream_parser parser({}, options);
  boost::json::error_code problem;
  const std::size_t used = parser.write_some(text.data(), text.size(), problem);
  const auto place = [&](std::size_t at) {
    const std::string_view before = text.substr(0, at);
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const std::size_t newline = before.rfind('\n');
    return name + ":" + std::to_string(line) + ":" +
           std::to_string(newline == std::string_view::npos ? at + 1 : at - newline);
  };
  if (!problem && text.find_first_not_of(" \t\r\n", used) != std::string_view::npos)
    problem = boost::json::error::extra_data;
  if (!problem) parser.finish(problem);
  if (problem) throw std::invalid_argument(place(used) + ": " + problem.message());
  return parser.release();
}

}  // namespace vlt
