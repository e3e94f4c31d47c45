#pragma once
#include <cmath>
#include <concepts>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <vlt/base/utf8.hpp>

namespace vlt {

// Text as a JSON string: quotes and controls escaped, broken UTF-8 repaired.
inline std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : utf8::repaired(text)) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", unsigned(static_cast<unsigned char>(c)));
      out += escape;
    } else {
      out += c;
    }
  }
  return out + '"';
}

// A number with 17 digits, so that reading it gives the same bits; null if it is not finite.
inline std::string json_number(double value) {
  if (!std::isfinite(value)) return "null";
  char digits[32];
  std::snprintf(digits, sizeof digits, "%.17g", value);
  return digits;
}

// One JSON object on one line, its members in the order of the calls.
class JsonLine {
 public:
  JsonLine& add(std::string_view key, std::string_view value) { return raw(key, json_string(value)); }
  JsonLine& add(std::string_view key, const char* value) { return raw(key, json_string(value)); }
  JsonLine& add(std::string_view key, double value) { return raw(key, json_number(value)); }
  JsonLine& add(std::string_view key, std::integral auto value) { return raw(key, std::to_string(value)); }
  JsonLine& add(std::string_view key, bool value) { return raw(key, value ? "true" : "false"); }
  JsonLine& add(std::string_view key, const JsonLine& object) { return raw(key, object.text()); }
  // A value that is JSON already.
  JsonLine& raw(std::string_view key, std::string_view json) {
    if (!members_.empty()) members_ += ", ";
    members_ += json_string(key) + ": ";
    members_ += json;
    return *this;
  }
  std::string text() const { return "{" + members_ + "}"; }

 private:
  std::string members_;
};

// A JSON list of what `each` makes of the elements.
template <class Range, class Each> std::string json_list(const Range& range, Each each) {
  std::string out = "[";
  for (const auto& element : range) {
    if (out.size() > 1) out += ", ";
    out += each(element);
  }
  return out + "]";
}

}  // namespace vlt
