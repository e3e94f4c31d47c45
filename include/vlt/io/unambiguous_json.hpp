#pragma once
#include <cmath>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>
#include <vlt/io/json_scanner.hpp>

namespace vlt {
namespace unambiguous_json {

inline void number(JsonScanner& json, Blame blame) {
  const TextPlace begin = json.place();
  std::string digits;
  json.number(digits);
  if (std::isinf(std::strtod(digits.c_str(), nullptr)))
    blame.raise(Complaint("JSON-006", "a number is larger than any that can be computed with")
                    .at(JsonScanner::text_of(json.name(), begin))
                    .expected("a number of at most 1.8e308")
                    .found(quoted(digits)));
}

inline void value(JsonScanner& json, Blame blame) {
  switch (json.kind()) {
    case JsonScanner::Kind::object: {
      std::set<std::string> keys;
      return json.object([&](const std::string& key) {
        if (!keys.insert(key).second && key.size() < JsonScanner::longest_key)
          blame.raise(Complaint("JSON-005", "a key stands twice in one object")
                          .at(JsonScanner::text_of(json.name(), json.place()))
                          .expected("each key once")
                          .found(quoted(key)));
        value(json, blame);
      });
    }
    case JsonScanner::Kind::list:
      return json.list([&] { value(json, blame); });
    case JsonScanner::Kind::number:
      return number(json, blame);
    default:
      return json.skip();
  }
}

}  // namespace unambiguous_json

// Refuses JSON that readers understand differently: a key that its object has already (JSON-005), and a number that no
// double can hold and that a parser makes an infinity (JSON-006). The text is valid JSON already, nested at most
// `depth`.
inline void refuse_ambiguous_json(std::string_view text, const std::string& name, Blame blame, std::size_t depth) {
  JsonScanner json(text, name, int(depth), blame);
  unambiguous_json::value(json, blame);
}

}  // namespace vlt
