#include <vlt/data/template_tokens.hpp>

#include "unit/text/text_samples.hpp"

namespace {

std::string code_of(const std::string& json) {
  return vlt_test::complaint_of([&] { vlt::data::parse_template(json, "t.json"); }, vlt::ExitCode::usage).code();
}

}  // namespace

TEST_CASE("a template file is checked before any text meets it", "[text]") {
  CHECK_NOTHROW(vlt::data::parse_template(R"({"user": "{image}{text}\n", "end": "</s>"})", "t.json"));
  CHECK(code_of(R"({"user": "{image}{text}\n"})") == "OPT-JSON-003");
  CHECK(code_of(R"({"user": "{text}\n", "end": "</s>"})") == "OPT-TEMPLATE-002");
  CHECK(code_of(R"({"user": "{image}{text}{text}", "end": "</s>"})") == "OPT-TEMPLATE-002");
  CHECK(code_of(R"({"user": "{text}{image}", "end": "</s>"})") == "OPT-TEMPLATE-002");
  CHECK(code_of(R"({"user": "{image}{text}", "end": ""})") == "OPT-TEMPLATE-002");
  CHECK(code_of(R"({"user": "{image}{text}", "end": "</s>", "image": "picture"})") == "OPT-TEMPLATE-002");
  CHECK(code_of(R"({"user": "<image>{image}{text}", "end": "</s>"})") == "OPT-TEMPLATE-002");
  CHECK(code_of(R"({"user": "{image}{text}", "end": "</s>", "default_system": "x"})") == "OPT-TEMPLATE-002");
  CHECK(code_of(R"({"user": "{image}{text}", "end": "</s>", "assistant": "A:"})") == "OPT-TEMPLATE-002");
  CHECK(code_of(R"({"user": "{image}{text}", "end": "</s>", "sistem": ""})") == "OPT-TEMPLATE-003");
  CHECK(code_of(R"({"user": 1, "end": "</s>"})") == "OPT-JSON-002");
  CHECK(code_of("{") == "OPT-JSON-001");
}

TEST_CASE("a template survives being written and read", "[text]") {
  for (const auto& name : vlt::data::builtin_template_names) {
    const auto t = vlt::data::builtin_template(name, {"</s>", "<s>"});
    const auto again = vlt::data::parse_template(boost::json::serialize(vlt::data::template_object(t)), "again");
    const vlt::data::Conversation c{"sys", true, {{"<image>\na <image> b", "c"}, {"d", "e"}}, 2};
    CHECK(vlt::data::Renderer(again)(c).text == vlt::data::Renderer(t)(c).text);
  }
}

TEST_CASE("an unknown template name gets the nearest one", "[text]") {
  const auto c = vlt_test::complaint_of([] { vlt::data::builtin_template("vicunna", {}); }, vlt::ExitCode::usage);
  CHECK(c.code() == "OPT-TEMPLATE-001");
  CHECK(c.help() == "did you mean vicuna?");
  CHECK(c.expected().find("llama-3.2-vision") != c.expected().npos);
}

TEST_CASE("a template needs its tokens in the tokenizer", "[text]") {
  const vlt::text::Tokenizer tokenizer(vlt_test::small_tokenizer_file());
  const auto refused = [&](const vlt::data::ChatTemplate& t) {
    return vlt_test::complaint_of([&] { vlt::data::check_template(t, tokenizer); }, vlt::ExitCode::model);
  };
  const auto end = refused(vlt::data::builtin_template("plain", {"###", ""}));
  CHECK(end.code() == "MODEL-TOK-017");
  CHECK(end.found() == "\"###\"");
  auto odd_mark = vlt::data::builtin_template("plain", {"</s>", ""});
  odd_mark.image = odd_mark.mark = "<picture>";
  CHECK(refused(odd_mark).found() == "\"<picture>\"");
  CHECK(vlt::data::template_tokens(tokenizer, "<|im_end|>", "<s>").end == "</s>");
}
