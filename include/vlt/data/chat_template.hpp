#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vlt/base/error.hpp>
#include <vlt/base/quoted.hpp>

namespace vlt::data {

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

  // Refuses a template that cannot work before any text meets it: exit 2, OPT-TEMPLATE-002. `place` says whose it is.
  void check(const std::string& place = "--template") const {
    const auto count = [](std::string_view s, std::string_view what) {
      std::size_t n = 0;
      for (std::size_t at = s.find(what); at != s.npos; at = s.find(what, at + what.size())) ++n;
      return n;
    };
    const auto need = [&](bool ok, const char* key, const std::string& value, const char* expected) {
      if (ok) return;
      throw Error(ExitCode::usage,
                  Complaint("OPT-TEMPLATE-002", "the template cannot work: `" + std::string(key) + "` is wrong")
                      .at(place + ": $." + key)
                      .expected(expected)
                      .found(quoted(value)));
    };
    need(!mark.empty(), "mark", mark, "the image's token, such as <image>");
    need(count(user, "{text}") == 1, "user", user, "{text} exactly once");
    need(count(user, "{image}") == 1, "user", user, "{image} exactly once");
    need(user.find("{image}") < user.find("{text}"), "user", user, "{image} before {text}");
    need(count(assistant, "{text}") == 1, "assistant", assistant, "{text} exactly once");
    need(system.empty() || count(system, "{system}") == 1, "system", system, "{system} exactly once, or nothing");
    need(!system.empty() || default_system.empty(), "default_system", default_system, "nothing, as `system` is empty");
    need(!end.empty(), "end", end, "a special token: without it an answer would have no end");
    need(count(image, mark) == 1, "image", image, "the image mark exactly once");
    const std::pair<const char*, const std::string*> others[] = {{"user", &user},     {"assistant", &assistant},
                                                                 {"system", &system}, {"end", &end},
                                                                 {"tail", &tail},     {"separator", &separator}};
    for (const auto& [key, text] : others)
      need(count(*text, mark) == 0, key, *text, "no image mark: only `image` has it");
  }
};

}  // namespace vlt::data
