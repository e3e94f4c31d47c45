// Templates that cannot work are refused before any text meets them.
#include <catch2/catch.hpp>
#include <vlt/data/chat_template.hpp>

using namespace vlt;

namespace {

data::ChatTemplate good() {
  data::ChatTemplate t;
  t.system = "[{system}]", t.default_system = "s", t.user = "{image}Q: {text}", t.end = "</s>";
  return t;
}
// What is wrong with the good one after a change: the key and its value.
template <class Change> std::string wrong(Change&& change) {
  data::ChatTemplate t = good();
  change(t);
  try {
    t.check("t.json");
  } catch (const Error& e) {
    CHECK(e.exit() == ExitCode::usage);
    CHECK(e.complaint().code() == "OPT-TEMPLATE-002");
    const std::string key = e.complaint().place().substr(e.complaint().place().find("$.") + 2);
    CHECK(e.complaint().place() == "t.json: $." + key);
    CHECK_THAT(e.complaint().what(), Catch::Contains("`" + key + "` is wrong"));
    return key + " " + e.complaint().found();
  }
  return "nothing";
}

}  // namespace

TEST_CASE("what a template needs") {
  using T = data::ChatTemplate;
  CHECK(wrong([](T&) {}) == "nothing");
  CHECK(wrong([](T& t) { t.mark.clear(); }) == "mark \"\"");
  CHECK(wrong([](T& t) { t.user = "{image}"; }) == "user \"{image}\"");
  CHECK(wrong([](T& t) { t.user = "{image}{text}{text}"; }) == "user \"{image}{text}{text}\"");
  CHECK(wrong([](T& t) { t.user = "{text}"; }) == "user \"{text}\"");
  CHECK(wrong([](T& t) { t.user = "{image}{image}{text}"; }) == "user \"{image}{image}{text}\"");
  CHECK(wrong([](T& t) { t.user = "{text}{image}"; }) == "user \"{text}{image}\"");
  CHECK(wrong([](T& t) { t.assistant = ""; }) == "assistant \"\"");
  CHECK(wrong([](T& t) { t.assistant = "{text} {text}"; }) == "assistant \"{text} {text}\"");
  CHECK(wrong([](T& t) { t.system = "s"; }) == "system \"s\"");
  CHECK(wrong([](T& t) { t.system = "{system}{system}"; }) == "system \"{system}{system}\"");
  CHECK(wrong([](T& t) { t.system.clear(); }) == "default_system \"s\"");
  CHECK(wrong([](T& t) { t.system.clear(), t.default_system.clear(); }) == "nothing");
  CHECK(wrong([](T& t) { t.default_system.clear(); }) == "nothing");
  CHECK(wrong([](T& t) { t.end.clear(); }) == "end \"\"");
  CHECK(wrong([](T& t) { t.image = "no mark"; }) == "image \"no mark\"");
  CHECK(wrong([](T& t) { t.image = "<image><image>"; }) == "image \"<image><image>\"");
}

TEST_CASE("the image mark stands in no other string") {
  using T = data::ChatTemplate;
  CHECK(wrong([](T& t) { t.user += "<image>"; }) == "user \"{image}Q: {text}<image>\"");
  CHECK(wrong([](T& t) { t.assistant += "<image>"; }) == "assistant \"{text}<image>\"");
  CHECK(wrong([](T& t) { t.system += "<image>"; }) == "system \"[{system}]<image>\"");
  CHECK(wrong([](T& t) { t.end = "<image>"; }) == "end \"<image>\"");
  CHECK(wrong([](T& t) { t.tail = "<image>"; }) == "tail \"<image>\"");
  CHECK(wrong([](T& t) { t.separator = "<image>"; }) == "separator \"<image>\"");
}

TEST_CASE("a template of one's own begins with these strings") {
  const data::ChatTemplate t;
  CHECK((t.image == "<image>\n" && t.mark == "<image>" && t.assistant == "{text}"));
  CHECK((t.system.empty() && t.default_system.empty() && t.user.empty()));
  CHECK((t.end.empty() && t.separator.empty() && t.tail.empty()));
}
