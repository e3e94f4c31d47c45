// Each alternative of the split expressions, where it matches and where it just does not.
#include <catch2/catch.hpp>
#include <vlt/text/split_pattern.hpp>

using namespace vlt;
using Family = text::SplitPattern::Family;

namespace {

std::string words(Family family, const std::string& text) {
  const text::SplitPattern pattern(family);
  std::string all;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t end = pattern.next(text, i);
    REQUIRE((end > i && end <= text.size()));
    all += (i == 0 ? "" : "/") + text.substr(i, end - i);
    i = end;
  }
  return all;
}

}  // namespace

TEST_CASE("GPT-2's expression") {
  const auto gpt2 = [](const std::string& text) { return words(Family::gpt2, text); };
  CHECK(gpt2("I'm don't we'll they've you're he'd it's") == "I/'m/ don/'t/ we/'ll/ they/'ve/ you/'re/ he/'d/ it/'s");
  CHECK(gpt2("it'S a'") == "it/'/S/ a/'");
  CHECK(gpt2("'ra'va'la") == "'/ra/'/va/'/la");
  CHECK(gpt2("a b12 34,!") == "a/ b/12/ 34/,!");
  CHECK(gpt2(" ,, \u00e9\u00df") == " ,,/ \u00e9\u00df");
  CHECK(gpt2("a  b") == "a/ / b");
  CHECK(gpt2("a   b") == "a/  / b");
  CHECK(gpt2("a   ") == "a/   ");
  CHECK(gpt2("a\n\nb") == "a/\n/\n/b");
  CHECK(gpt2("\tb ") == "\t/b/ ");
  CHECK(gpt2("\u00a0 b") == "\u00a0/ b");
  CHECK(gpt2(" \u00a0b") == " /\u00a0/b");
  CHECK(gpt2(" ") == " ");
}

TEST_CASE("LLaMA 3's expression, and Qwen 2's, which differs in numbers") {
  for (const Family family : {Family::llama_3, Family::qwen_2}) {
    const auto both = [&](const std::string& text) { return words(family, text); };
    CHECK(both("I'LL I'M don'T it'S we'Ve you'rE he'D") == "I/'LL/ I/'M/ don/'T/ it/'S/ we/'Ve/ you/'rE/ he/'D");
    CHECK(both("a'\u017fb 'x") == "a/'\u017f/b/ '/x");
    CHECK(both("!ab\tcd (\u00e9") == "!ab/\tcd/ (/\u00e9");
    CHECK(both("\nab\rcd") == "\n/ab/\r/cd");
    CHECK(both("!!\n\r\nb") == "!!\n\r\n/b");
    CHECK(both("a !\r\n!") == "a/ !\r\n/!");
    CHECK(both(" \n \n  b") == " \n \n/ / b");
    CHECK(both("a  b") == "a/ / b");
    CHECK(both("a  ") == "a/  ");
    CHECK(both("a  1") == "a/ / /1");
    CHECK(both("a ") == "a/ ");
    CHECK(both("a'Sb a'LLb a'sb") == "a/'S/b/ a/'LL/b/ a/'s/b");
    CHECK(both("\u20ac\u20ac!\n") == "\u20ac\u20ac!\n");
    CHECK(both("\u00a0\u00a0\nb") == "\u00a0\u00a0\n/b");
    CHECK(both("  \rb") == "  \r/b");
    CHECK(both("'") == "'");
  }
  CHECK(words(Family::llama_3, "1234567 89") == "123/456/7/ /89");
  CHECK(words(Family::qwen_2, "123 4") == "1/2/3/ /4");
  CHECK(words(Family::llama_3, "12a") == "12/a");
}

TEST_CASE("an expression is known by its spelling") {
  const std::string gpt2 = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
  CHECK(text::SplitPattern::from_regex(gpt2, "t").next("123456", 0) == 6);
  const std::string start = R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|)";
  const std::string end = R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
  CHECK(text::SplitPattern::from_regex(start + R"(\p{N}{1,3})" + end, "t").next("123456", 0) == 3);
  CHECK(text::SplitPattern::from_regex(start + R"(\p{N})" + end, "t").next("123456", 0) == 1);
  try {
    text::SplitPattern::from_regex("a+", "t.json");
    FAIL("accepted");
  } catch (const Error& e) {
    CHECK(e.complaint().code() == "MODEL-TOK-011");
    CHECK(e.complaint().place() == "t.json: $.pre_tokenizer");
    CHECK(e.complaint().found() == "\"a+\"");
  }
}
