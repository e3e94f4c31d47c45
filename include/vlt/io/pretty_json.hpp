#pragma once
#include <boost/json.hpp>
#include <cmath>
#include <cstdio>
#include <string>
#include <vlt/base/error.hpp>

namespace vlt {
namespace pretty {

inline std::string number(double v) {  // the shortest digits that read back as v, with a point or an exponent
  require(std::isfinite(v), "JSON has no infinity and no NaN");
  char text[40];
  for (int digits = 1; digits <= 17; ++digits) {
    std::snprintf(text, sizeof text, "%.*g", digits, v);
    if (std::strtod(text, nullptr) == v) break;
  }
  std::string out = text;
  return out.find_first_of(".e") == out.npos ? out + ".0" : out;
}

inline void write(const boost::json::value& v, std::size_t depth, std::string& out) {
  const std::string inner(2 * depth + 2, ' '), outer(2 * depth, ' ');
  if (const auto* object = v.if_object(); object && !object->empty()) {
    const char* before = "{\n";
    for (const auto& [key, value] : *object) {
      out += before + inner + boost::json::serialize(key) + ": ";
      write(value, depth + 1, out);
      before = ",\n";
    }
    out += "\n" + outer + "}";
  } else if (const auto* array = v.if_array(); array && !array->empty()) {
    const char* before = "[\n";
    for (const auto& value : *array) {
      out += before + inner;
      write(value, depth + 1, out);
      before = ",\n";
    }
    out += "\n" + outer + "]";
  } else if (v.is_double()) {
    out += number(v.get_double());
  } else {
    out += boost::json::serialize(v);
  }
}

}  // namespace pretty

// JSON for people: two blanks a level, a line an entry, as Python's json.dumps(indent=2) writes it.
inline std::string pretty_json(const boost::json::value& v) {
  std::string out;
  pretty::write(v, 0, out);
  return out + "\n";
}

}  // namespace vlt
