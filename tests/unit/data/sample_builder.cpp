#include "byte_samples.hpp"

#include <catch2/catch.hpp>

using namespace vlt;
using namespace vlt::test;

namespace {

data::PreparedSample prepare(const data::Record& r, const data::LengthRules& rules) {
  const data::SampleBuilder b = byte_builder(rules);
  text::Encoder encoder(b.tokenizer());
  return b.prepare(r, encoder);
}
std::string code_of(const data::Record& r, const data::LengthRules& rules) {
  try {
    prepare(r, rules);
  } catch (const Error& e) {
    CHECK(e.exit() == ExitCode::data);
    return e.complaint().code();
  }
  return "none";
}
const data::SampleBuilder reader = byte_builder();
std::string taken(const data::PreparedSample& p) { return text_of(reader, p.sample.id); }
std::string learnt(const data::PreparedSample& p) { return text_of(reader, p.sample.label); }

}  // namespace

TEST_CASE("a record becomes ids, labels, names and counts") {
  const auto p = prepare(talk({{"<image>\nab", "cd"}, {"ef<image>", "gh"}}, {"x.png", "y.png"}), {100, 5});
  CHECK(taken(p) == "<s><image>ab>cd</s>|<image>ef>gh</s>");
  CHECK(learnt(p) == "cd</s>gh</s>");
  CHECK(p.images == std::vector<std::string>{"x.png", "y.png"});
  CHECK(p.supervised == 6);
  CHECK(p.tokens == 16 + 2 * 4);
  CHECK(p.tiles == 2);
  CHECK(p.sizes.empty());
  CHECK(p.cut == data::Cut::none);
  CHECK(p.sample.id.size() == p.sample.label.size());
  CHECK(p.offsets.size() == 16);
}

TEST_CASE("what the rules are when nobody says") {
  const data::LengthRules usual;
  CHECK(usual.max_seq_len == 4096);
  CHECK(usual.truncation == data::Truncation::drop_turns);
  CHECK(usual.pictures.tokens({}) == 1);
  CHECK_THROWS(byte_builder({1, 1}));
  CHECK(byte_builder({2, 1}).rules().max_seq_len == 2);
  CHECK(reader.image_id() == reader.tokenizer().id("<image>"));
  const data::PreparedSample none;
  CHECK((none.tiles == 0 && none.tokens == 0 && none.supervised == 0 && none.turns_left_out == 0));
  CHECK(none.cut == data::Cut::none);
}

TEST_CASE("pictures of different sizes take tiles and tokens of their own") {
  image::ClipProcessorFile processor;
  processor.crop = 4, processor.grid = {{4, 8}, {8, 8}};
  const image::PictureRules rules(processor, 2);
  data::Record r = talk({{"<image>a<image>b", "c"}}, {"wide.png", "square.png"});
  r.sizes = {{4, 8}, {8, 8}};
  const auto p = prepare(r, {100, rules});
  CHECK(rules.tokens(r.sizes[0]) != rules.tokens(r.sizes[1]));
  CHECK(p.tiles == rules.tiles(r.sizes[0]) + rules.tiles(r.sizes[1]));
  CHECK(p.tokens == Index(p.sample.id.size()) - 2 + rules.tokens(r.sizes[0]) + rules.tokens(r.sizes[1]));
  REQUIRE(p.sizes.size() == 2);
  CHECK((p.sizes[0].height == 4 && p.sizes[0].width == 8 && p.sizes[1].height == 8));
}

TEST_CASE("names are in the order of their image tokens, not of the list") {
  // Marks at the edges of a question go in front of it; the one inside stays.
  const auto p = prepare(talk({{"a<image>b<image>", "c"}}, {"inside.png", "edge.png"}), {100, 1});
  CHECK(taken(p) == "<s><image>a<image>b>c</s>");
  CHECK(p.images == std::vector<std::string>{"edge.png", "inside.png"});
}

TEST_CASE("a long conversation loses whole last turns, with their images") {
  const data::Record r = talk({{"<image>ab", "cd"}, {"<image>ef", "gh"}, {"ij", "kl"}}, {"x.png", "y.png"});
  const std::string first = "<s><image>ab>cd</s>", second = first + "|<image>ef>gh</s>", third = second + "|ij>kl</s>";
  // first: 8 ids, 12 tokens; second: 16 ids, 24 tokens; third: 23 ids, 31 tokens.
  for (Index limit = 12; limit <= 40; ++limit) {
    const auto p = prepare(r, {limit, 5});
    INFO(limit);
    CHECK(taken(p) == (limit < 24 ? first : limit < 31 ? second : third));
    CHECK(p.images.size() == (limit < 24 ? 1 : 2));
    CHECK(p.turns_left_out == (limit < 24 ? 2 : limit < 31 ? 1 : 0));
    CHECK(p.cut == (limit < 31 ? data::Cut::turns : data::Cut::none));
    CHECK(p.tokens <= limit);
  }
}

TEST_CASE("if the first turn alone is too long its answer is cut, without an end") {
  const data::Record r = talk({{"<image>ab", "0123456789"}, {"c", "d"}}, {"x.png"});
  // <s>, 5 image tokens, a, b, > are 9; the answer's ten bytes and its end follow.
  for (Index limit = 10; limit < 20; ++limit) {
    const auto p = prepare(r, {limit, 5});
    INFO(limit);
    CHECK(learnt(p) == std::string("0123456789").substr(0, std::size_t(limit - 9)));
    CHECK(p.tokens == limit);
    CHECK(p.cut == data::Cut::answer);
    CHECK(p.turns_left_out == 1);
  }
  CHECK(prepare(r, {20, 5}).cut == data::Cut::turns);
  for (Index limit = 2; limit < 10; ++limit) CHECK(code_of(r, {limit, 5}) == "DATA-LENGTH-040");
  try {
    prepare(r, {9, 5});
    FAIL("nothing was refused");
  } catch (const Error& e) {
    CHECK(e.complaint().what() == "0 supervised tokens after cut at 9");
    CHECK(e.complaint().expected() == "an answer that begins before token 9");
    CHECK(e.complaint().found() == "25 tokens, those of images included");
  }
}

TEST_CASE("no character and no image is cut through") {
  const data::Record r = talk({{"a", "b\xc3\xa9\xf0\x9f\x98\x80"}});  // 1, 2 and 4 bytes
  const std::string kept[] = {"", "b", "b", "b\xc3\xa9", "b\xc3\xa9", "b\xc3\xa9", "b\xc3\xa9"};
  for (Index limit = 4; limit < 10; ++limit) CHECK(learnt(prepare(r, {limit, 1})) == kept[limit - 3]);
  CHECK(code_of(talk({{"<image>", "a"}}, {"x.png"}), {100, 200}) == "DATA-LENGTH-040");
}

TEST_CASE("a sample that is too long can be left out or be an error") {
  const data::Record r = talk({{"ab", "cd"}, {"ef", "gh"}});
  CHECK(prepare(r, {14, 1, data::Truncation::drop_sample}).cut == data::Cut::none);
  const auto p = prepare(r, {13, 1, data::Truncation::drop_sample});
  CHECK(p.cut == data::Cut::sample);
  CHECK(p.sample.id.empty());
  CHECK(code_of(r, {14, 1, data::Truncation::error}) == "none");
  CHECK(code_of(r, {13, 1, data::Truncation::error}) == "DATA-LENGTH-041");
}

TEST_CASE("text behind the last end may go without a word") {
  data::ChatTemplate t = short_template();
  t.tail = "tail";
  const data::SampleBuilder b(byte_tokenizer(), t, {10, 1});
  text::Encoder encoder(b.tokenizer());
  const auto p = b.prepare(talk({{"ab", "cd"}}), encoder);
  CHECK(text_of(b, p.sample.id) == "<s>ab>cd</s>");
  CHECK(p.cut == data::Cut::none);
}

TEST_CASE("a template without special tokens is refused") {
  data::ChatTemplate t = short_template();
  t.end = "END";
  CHECK_THROWS_AS(data::SampleBuilder(byte_tokenizer(), t, {}), Error);
}
