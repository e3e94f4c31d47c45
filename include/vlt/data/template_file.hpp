#pragma once
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vlt/data/chat_template.hpp>
#include <vlt/io/json.hpp>

namespace vlt::data {
namespace template_file {

// The keys of a template file and the members that they fill, in the order in which they are written.
template <class Template> auto keys(Template& t) {
  return std::array{std::pair("system", &t.system), std::pair("default_system", &t.default_system),
                    std::pair("image", &t.image),   std::pair("mark", &t.mark),
                    std::pair("user", &t.user),     std::pair("assistant", &t.assistant),
                    std::pair("end", &t.end),       std::pair("separator", &t.separator),
                    std::pair("tail", &t.tail)};
}

}  // namespace template_file

// A template from JSON. Every key but `user` and `end` may be left out; an unknown key is refused (OPT-TEMPLATE-003),
// and so is a template that cannot work (OPT-TEMPLATE-002).
inline ChatTemplate read_template(const Json& root) {
  ChatTemplate t;
  const auto known = template_file::keys(t);
  for (const auto& [key, unused] : root.object()) {
    const auto found = std::find_if(known.begin(), known.end(), [&, name = std::string_view(key)](const auto& entry) {
      return entry.first == name;
    });
    if (found == known.end()) {
      std::string names;
      for (const auto& entry : known) names += (names.empty() ? "" : ", ") + std::string(entry.first);
      throw Error(ExitCode::usage, Complaint("OPT-TEMPLATE-003", "a template has an unknown key")
                                       .at(root.path())
                                       .expected(names)
                                       .found(quoted(std::string(key))));
    }
    *found->second = root.at(key).string();
  }
  for (const char* needed : {"user", "end"}) root.at(needed);
  t.check(root.path());
  return t;
}

// `name` is what complaints call the text.
inline ChatTemplate parse_template(std::string_view text, const std::string& name) {
  const boost::json::value value = parse_json(text, name, blame_option);
  return read_template(Json(value, name + ": $", blame_option));
}

// The template in full, as parse_template reads it.
inline boost::json::object template_object(const ChatTemplate& t) {
  boost::json::object object;
  for (const auto& [key, text] : template_file::keys(t)) object[key] = *text;
  return object;
}

}  // namespace vlt::data
