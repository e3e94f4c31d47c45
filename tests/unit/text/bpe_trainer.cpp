#include <vlt/text/bpe_trainer.hpp>

#include <vlt/io/file.hpp>
#include <vlt/io/json.hpp>
#include "text_samples.hpp"

TEST_CASE("the trainer merges the most frequent pair first", "[text]") {
  vlt::text::BpeTrainer trainer({.vocabulary = 259, .least_count = 1, .special_tokens = {}});
  trainer.feed("abab abab cd");
  const auto file = trainer.train();
  REQUIRE(file.model.merges.size() == 3);
  CHECK(file.model.merges[0] == std::array<std::string, 2>{"a", "b"});  // four times
  CHECK(file.model.merges[1] == std::array<std::string, 2>{"ab", "ab"});
  CHECK(file.model.vocab.size() == 259);
  CHECK(file.model.vocab[256].first == "ab");
}

TEST_CASE("a pair that is too rare is not merged", "[text]") {
  vlt::text::BpeTrainer trainer({.vocabulary = 1000, .least_count = 2, .special_tokens = {"<s>"}});
  trainer.feed("xy xy zq");
  const auto file = trainer.train();
  REQUIRE(file.model.merges.size() == 1);  // only x with y occurs twice
  CHECK(file.model.merges[0] == std::array<std::string, 2>{"x", "y"});
  CHECK(file.model.vocab[0].first == "<s>");
}

TEST_CASE("contracts of the trainer", "[text]") {
  CHECK_THROWS_AS(vlt::text::BpeTrainer({.vocabulary = 100, .special_tokens = {}}), std::invalid_argument);
  CHECK_THROWS_AS(
      vlt::text::BpeTrainer({.special_tokens = {}, .pre_tokenizers = {vlt::text::TokenizerFile::Digits{true}}}),
      std::invalid_argument);
  vlt::text::BpeTrainer trainer({.special_tokens = {}});
  CHECK_THROWS_AS(trainer.feed("a\xff"), vlt::Error);
}

// tests/golden/text/make_trainer.py asked the tokenizers library.
TEST_CASE("the trainer chooses as the tokenizers library does", "[text][golden]") {
  const std::string path = VLT_TEST_DIR "/golden/text/trainer.json";
  const auto value = vlt::parse_json(vlt::read_whole_file(path, 1 << 20), path);
  const vlt::Json golden(value, "$"), merges = golden.at("merges"), lines = golden.at("lines");
  vlt::text::BpeTrainerOptions options{.vocabulary = std::size_t(golden.at("vocabulary").index()),
                                       .least_count = 2,
                                       .special_tokens = {"<|endoftext|>", "<|im_end|>"}};
  options.pre_tokenizers.insert(options.pre_tokenizers.begin(), vlt::text::TokenizerFile::Digits{true});
  vlt::text::BpeTrainer trainer(options);
  for (std::size_t i = 0; i < lines.array().size(); ++i) trainer.feed(lines[i].string());
  const auto file = trainer.train();
  REQUIRE(file.model.merges.size() == merges.array().size());
  for (std::size_t i = 0; i < file.model.merges.size(); ++i) {
    CAPTURE(i);
    REQUIRE(file.model.merges[i][0] == merges[i][0].string());
    REQUIRE(file.model.merges[i][1] == merges[i][1].string());
  }
}
