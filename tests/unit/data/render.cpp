// What a template of one's own writes, and what it refuses.
#include <catch2/catch.hpp>
#include <vlt/data/builtin_templates.hpp>
#include <vlt/data/render.hpp>

using namespace vlt;

namespace {

// "[sys](<image>)Q:...?A:...!</s>|...end"
data::ChatTemplate bracketed() {
  data::ChatTemplate t;
  t.system = "[{system}]", t.default_system = "usual", t.image = "(<image>)", t.user = "{{image}Q:{text}?";
  t.assistant = "A:{text}!", t.end = "</s>", t.separator = "|", t.tail = "end";
  return t;
}
data::Conversation talk(std::vector<data::Turn> turns, std::size_t images = 0) {
  return {"", false, std::move(turns), images};
}
std::string part(const data::Rendered& r, text::ByteRange range) {
  return r.text.substr(range.begin, range.end - range.begin);
}
std::string code_of(const std::function<void()>& f, ExitCode exit) {
  try {
    f();
  } catch (const Error& e) {
    CHECK(e.exit() == exit);
    return e.complaint().code() + " " + e.complaint().place();
  }
  return "none";
}

}  // namespace

TEST_CASE("every string of a template has its place, and answers with their ends are learnt") {
  const data::Renderer render(bracketed());
  CHECK(render.chat_template().tail == "end");
  const data::Rendered r = render(talk({{"<image>\na", "b"}, {"c<image>d<image>e", "f"}}, 3));
  CHECK(r.text == "[usual]{(<image>)Q:a?A:b!</s>|{Q:c<image>d<image>e?A:f!</s>end");
  REQUIRE(r.supervised.size() == 2);
  CHECK(part(r, r.supervised[0]) == "b!</s>");
  CHECK(part(r, r.supervised[1]) == "f!</s>");
  REQUIRE(r.turn_ends.size() == 2);
  CHECK(r.turn_ends[0] == r.supervised[0].end);
  CHECK(r.turn_ends[1] == r.supervised[1].end);
  REQUIRE(r.images.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(part(r, r.images[i].range) == "<image>");
    CHECK(r.images[i].image == i);
  }
  std::string written;
  for (const auto range : r.written) written += part(r, range) + "/";
  CHECK(written == "[usual]{(<image>)Q:/?A:/!</s>|{Q:/<image>/<image>/?A:/!</s>end/");
}

TEST_CASE("a prompt ends where the model answers") {
  const data::Renderer render(bracketed());
  const data::Rendered r = render.prompt(talk({{"a", "b"}, {"c", ""}}));
  CHECK(r.text == "[usual]{Q:a?A:b!</s>|{Q:c?A:");
  CHECK(r.supervised.empty());
}

TEST_CASE("a system turn takes the place of the template's own, where it has one") {
  data::Conversation c = talk({{"a", "b"}});
  c.has_system = true, c.system = "mine";
  CHECK(data::Renderer(bracketed())(c).text == "[mine]{Q:a?A:b!</s>end");
  data::ChatTemplate t = bracketed();
  t.default_system.clear();
  CHECK(data::Renderer(t)(talk({{"a", "b"}})).text == "{Q:a?A:b!</s>end");
  t.system.clear();
  CHECK(data::Renderer(t)(talk({{"a", "b"}})).text == "{Q:a?A:b!</s>end");
  CHECK(code_of(
            [&] {
              const data::Renderer other(t);
              other(c);
            },
            ExitCode::data) == "DATA-TEMPLATE-001 ");
}

TEST_CASE("an answer must not be empty, and a template must work") {
  const data::Renderer render(bracketed());
  CHECK(code_of([&] { render(talk({{"a", "b"}, {"c", ""}})); }, ExitCode::data) == "DATA-LABEL-002 turn 2");
  data::ChatTemplate t = bracketed();
  t.user = "no place for a text";
  CHECK(code_of([&] { data::Renderer unused(t); }, ExitCode::usage) == "OPT-TEMPLATE-002 --template: $.user");
}

TEST_CASE("an unknown template is answered with the known ones") {
  try {
    data::builtin_template("lama_3", {"</s>", "<s>"});
    FAIL("accepted");
  } catch (const Error& e) {
    CHECK(e.exit() == ExitCode::usage);
    CHECK(e.complaint().code() == "OPT-TEMPLATE-001");
    CHECK_THAT(e.complaint().expected(),
               Catch::StartsWith("default, ") && Catch::EndsWith("or a JSON file (name.json)"));
    for (const auto& name : data::builtin_template_names)
      CHECK_THAT(e.complaint().expected(), Catch::Contains(std::string(name)));
    CHECK_THAT(e.complaint().help(), Catch::Contains("llama_3"));
  }
}
