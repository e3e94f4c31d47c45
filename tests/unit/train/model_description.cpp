#include <catch2/catch.hpp>
#include <vlt/data/bpe_trainer.hpp>
#include <vlt/train/model_description.hpp>

using namespace vlt;
using Catch::Matchers::Contains;

namespace {

// A tokenizer of all bytes and <s>, beside an embedding of so many rows.
ModelDescription described(Index rows) {
  BpeTrainer trainer({.vocabulary = 257, .least_count = 2, .special_tokens = {"<s>"}});
  ModelDescription m;
  m.tokenizer_folder = make_tokenizer_folder(trainer.train(), "<s>", "", "");
  m.tokenizer_folder.file.name = "folder/tokenizer.json";
  m.language.sizes.vocabulary = rows;
  m.vision_sizes.image = 8, m.vision_sizes.patch = 4;
  return m;
}
// Adds what a training adds, then puts the parts together.
Index connected_rows(ModelDescription m) {
  add_image_and_pad_tokens(m.tokenizer_folder);
  m.tokenizer = std::make_shared<const Tokenizer>(m.tokenizer_folder.file);
  describe_model::connect(m);
  return m.language_sizes.vocabulary;
}

}  // namespace

TEST_CASE("<image> and <PAD> let the embedding grow, however they came in") {
  CHECK(connected_rows(described(257)) == 259);
  CHECK(connected_rows(described(300)) == 300);
  ModelDescription again = described(257);  // as a run's own folder has it
  add_image_and_pad_tokens(again.tokenizer_folder);
  CHECK(connected_rows(again) == 259);
}

TEST_CASE("a tokenizer with other ids beyond the embedding is refused") {
  try {
    connected_rows(described(256));
    FAIL("accepted");
  } catch (const Error& e) {
    CHECK(e.exit() == ExitCode::model);
    CHECK(e.complaint().code == "MODEL-TOK-019");
    CHECK(e.complaint().place == "folder/tokenizer.json");
    CHECK_THAT(e.complaint().expected, Contains("256"));
    CHECK(e.complaint().found == "257");
  }
  ModelDescription more = described(257);
  add_special_token(more.tokenizer_folder, "<extra>");
  CHECK_THROWS_AS(connected_rows(more), Error);
}
