#pragma once
#include <string>
#include <string_view>
#include <vector>
#include <vlt/base/error.hpp>

namespace vlt {

// How a conversation is written down, in strings: {system} in `system`, {image} and {text} in `user`, {text} in
// `assistant`.
struct ChatTemplate {
  std::string system;               // written once, first; left out if there is no system text
  std::string default_system;       // the text when the record has none
  std::string image = "<image>\n";  // one image of the slot
  std::string mark = "<image>";     // one image inside a question
  std::string user, assistant = "{text}";
  std::string end;        // closes every answer, and is learnt
  std::string separator;  // between turns, not learnt
  std::string tail;       // after the last end, not learnt

  // A template that cannot work is refused before any text meets it.
  void check() const {
    const auto count = [](std::string_view s, std::string_view what) {
      std::size_t n = 0;
      for (std::size_t at = s.find(what); at != std::string_view::npos; at = s.find(what, at + what.size())) ++n;
      return n;
    };
    require(count(user, "{text}") == 1, "template: `user` needs {text} exactly once");
    require(count(user, "{image}") == 1, "template: `user` needs {image} exactly once");
    require(user.find("{image}") < user.find("{text}"), "template: {image} comes before {text} in `user`");
    require(count(assistant, "{text}") == 1, "template: `assistant` needs {text} exactly once");
    require(system.empty() || count(system, "{system}") == 1, "template: `system` needs {system} exactly once");
    require(!system.empty() || default_system.empty(), "template: `default_system` without `system`");
    require(!end.empty(), "template: `end` is empty, so an answer would have no end");
    require(count(image, mark) == 1, "template: `image` needs the image mark exactly once");
    for (const auto& literal : {user, assistant, system, end, separator, tail})
      require(count(literal, mark) == 0, "template: the image mark belongs into `image` only");
  }
};

}  // namespace vlt
