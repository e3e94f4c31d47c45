// What a tokenizer's file says when it is silent, and which ids it gives.
#include <catch2/catch.hpp>
#include <vlt/text/tokenizer_file.hpp>

using namespace vlt;
using Parts = text::TokenizerFile;

TEST_CASE("a silent file of a tokenizer") {
  const Parts::AddedToken token;
  CHECK(token.id == 0);
  CHECK_FALSE((token.single_word || token.lstrip || token.rstrip || token.normalized || token.special));
  const Parts::ByteLevel byte_level;
  CHECK((byte_level.add_prefix_space && byte_level.use_regex));
  const Parts::Split split;
  CHECK((split.is_regex && !split.invert && split.behavior == Parts::Behavior::isolated));
  CHECK_FALSE(Parts::Digits{}.individual);
  const Parts::Metaspace metaspace;
  CHECK((metaspace.split && metaspace.scheme == Parts::PrependScheme::always));
  CHECK((Parts::Strip{}.start == 0 && Parts::Strip{}.stop == 0));
  const Parts file;
  CHECK(file.name == "tokenizer.json");
  CHECK_FALSE((file.model.byte_fallback || file.model.fuse_unk || file.model.ignore_merges));
  CHECK(text::vocabulary_size(file) == 0);
  CHECK(text::next_added_id(file, "x") == 0);
}

TEST_CASE("a token that is added gets the next id, one that is known keeps its own") {
  Parts file;
  file.model.vocab = {{"a", 0}, {"b", 9}, {"c", 1}};
  CHECK(text::vocabulary_size(file) == 10);
  CHECK(text::next_added_id(file, "b") == 9);
  CHECK(text::next_added_id(file, "x") == 3);  // behind as many as the vocabulary has
  CHECK(text::add_special_token(file, "x") == 3);
  REQUIRE(file.added.size() == 1);
  CHECK((file.added[0].id == 3 && file.added[0].content == "x" && file.added[0].special));
  CHECK_FALSE(file.added[0].normalized);
  CHECK(text::add_special_token(file, "x") == 3);
  CHECK(file.added.size() == 1);
  CHECK(text::add_special_token(file, "b") == 9);
  CHECK(file.added.size() == 2);
  CHECK(text::vocabulary_size(file) == 10);
  CHECK(text::next_added_id(file, "y") == 10);
  CHECK(text::add_special_token(file, "y") == 10);
  CHECK(text::vocabulary_size(file) == 11);
}
