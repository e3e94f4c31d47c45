// When a merged model counts as the same, and where an answer ends.
#include <unit/io/temporary_folder.hpp>
#include <vlt/program/merge_run.hpp>
#include <vlt/text/bpe_trainer.hpp>
#include <vlt/train/answer_ends.hpp>
#include <vlt/train/generate.hpp>

using namespace vlt;
using vlt::test::refused;
using vlt::test::TemporaryFolder;

namespace {

ModelDescription described(const std::string& folder) {
  text::BpeTrainer trainer({.vocabulary = 258, .least_count = 2, .special_tokens = {"<s>", "</s>"}});
  ModelDescription m;
  m.tokenizer_folder = text::make_tokenizer_folder(trainer.train(), "<s>", "</s>", "");
  m.tokenizer = std::make_shared<const text::Tokenizer>(m.tokenizer_folder.file);
  m.chat_template.end = "</s>";
  m.folders.language = folder;
  return m;
}

}  // namespace

TEST_CASE("logits agree when their distance is a small part of their size") {
  const std::vector<float> a{3, 4}, near{3, 4.5f}, twice{6, 8};
  CHECK(relative_difference(a, near) == Approx(0.1));
  CHECK(relative_difference(a, twice) == Approx(1));
  CHECK(relative_difference(twice, a) == Approx(0.5));
  CHECK_NOTHROW(program::require_same_logits(a, near, 0.11, "m"));
  refused([&] { program::require_same_logits(a, near, 0.09, "m"); }, ExitCode::numeric, "NUM-MERGE-003", "0.09", "0.1");
  refused(
      [&] {
        program::require_same_logits(a, std::vector<float>{3, NAN}, 1e9, "m");
      },
      ExitCode::numeric, "NUM-MERGE-003");
  CHECK_THROWS_AS(relative_difference(a, std::vector<float>{1}), std::invalid_argument);
}

TEST_CASE("a type's rounding may move logits by 16 roundoffs") {
  CHECK(rounding_difference(hub::StoredType::bf16) == 0.0625);
  CHECK(rounding_difference(hub::StoredType::f16) == 0.0078125);
  CHECK(rounding_difference(hub::StoredType::f32) < 1e-6);
  CHECK(holds_both(hub::StoredType::bf16, hub::StoredType::bf16) == hub::StoredType::bf16);
  CHECK(holds_both(hub::StoredType::bf16, hub::StoredType::f16) == hub::StoredType::f32);
  CHECK(holds_both(hub::StoredType::f64, hub::StoredType::f16) == hub::StoredType::f64);
}

TEST_CASE("an answer ends with the template's turn, and where transformers would end it") {
  const TemporaryFolder t;
  const ModelDescription m = described(t.path);
  const std::int32_t turn = m.tokenizer->id("</s>");
  using Ends = std::vector<std::int32_t>;
  const auto ends = [&](const char* config) { return t.write("config.json", config), answer_ends(m); };
  CHECK(ends("{}") == Ends{turn});
  CHECK(ends(R"({"eos_token_id": null})") == Ends{turn});
  CHECK(ends(R"({"eos_token_id": 7})") == Ends{turn, 7});
  CHECK(ends(R"({"eos_token_id": [7, 9]})") == Ends{turn, 7, 9});
  CHECK(ends(R"({"text_config": {"eos_token_id": 5}})") == Ends{turn, 5});
  CHECK(ends(R"({"eos_token_id": 6, "text_config": {"eos_token_id": 5}})") == Ends{turn, 6});
  refused([&] { ends(R"({"eos_token_id": "2"})"); }, ExitCode::model, "MODEL-JSON-002", "eos_token_id");
  t.write("generation_config.json", R"({"eos_token_id": [1]})");
  CHECK(ends(R"({"eos_token_id": 7})") == Ends{turn, 1});
}

TEST_CASE("a character that stays incomplete is given out at the end") {
  const ModelDescription m = described("");
  const auto bytes = text::Encoder(*m.tokenizer).encode("\xc3\xa4!").ids;
  REQUIRE(bytes.size() == 3);
  AnswerText whole(*m.tokenizer), cut(*m.tokenizer);
  CHECK(whole.add(bytes[0]).empty());
  CHECK(whole.add(bytes[1]) == "\xc3\xa4");
  CHECK(whole.add(bytes[2]) == "!");
  CHECK(whole.rest().empty());
  CHECK(cut.add(bytes[0]).empty());
  CHECK(cut.rest() == "\xef\xbf\xbd");
  CHECK(cut.rest().empty());
}

TEST_CASE("rows of the embedding that are no token say nothing") {
  const ModelDescription m = described("");
  AnswerText text(*m.tokenizer);
  CHECK(text.add(std::int32_t(m.tokenizer->size())).empty());
  CHECK(text.add(text::Encoder(*m.tokenizer).encode("x").ids.front()) == "x");
  CHECK(text.text() == "x");
}
