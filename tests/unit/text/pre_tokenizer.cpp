// Where a text is cut into words, by each step of a file and by several.
#include <catch2/catch.hpp>
#include <vlt/text/pre_tokenizer.hpp>

using namespace vlt;
using Parts = text::TokenizerFile;
using Steps = std::vector<Parts::PreTokenizer>;

namespace {

std::string joined(const text::PreTokenizer& cut, text::AlignedText text) {
  std::string all;
  cut(text, [&](std::size_t b, std::size_t e) {
    all += (all.empty() ? "" : "/") + std::string(text.view().substr(b, e - b));
  });
  return all;
}
std::string words(const Steps& steps, const std::string& text) {
  return joined(text::PreTokenizer(steps), text::AlignedText(text, {0, std::uint32_t(text.size())}));
}
std::string split(Parts::Behavior behavior, const std::string& text, bool invert = false) {
  return words({Parts::Split{"x", false, behavior, invert}}, text);
}
std::string refusal(const Steps& steps) {
  try {
    text::PreTokenizer unused(steps, "t.json");
  } catch (const Error& e) {
    CHECK(e.complaint().code() == "MODEL-TOK-015");
    CHECK(e.complaint().place() == "t.json: $.pre_tokenizer");
    return e.complaint().found();
  }
  return "none";
}

}  // namespace

TEST_CASE("a match is dropped, a word, or a part of its neighbour") {
  using B = Parts::Behavior;
  CHECK(split(B::removed, "xaaxbx") == "aa/b");
  CHECK(split(B::removed, "xaaxbx", true) == "x/x/x");
  CHECK(split(B::isolated, "xaaxxb") == "x/aa/x/x/b");
  CHECK(split(B::merged_with_previous, "xaaxbxxc") == "x/aax/bx/x/c");
  CHECK(split(B::merged_with_next, "xaaxbxxc") == "xaa/xb/x/xc");
  CHECK(split(B::contiguous, "xxaaxb") == "xx/aa/x/b");
  CHECK(split(B::merged_with_previous, "xaaxbxxc", true) == "xaa/xb/x/xc");
  CHECK(split(B::merged_with_next, "xaaxbxxc", true) == "x/aax/bx/x/c");
  CHECK(split(B::contiguous, "xxaaxb", true) == "xx/aa/x/b");
  for (const B behavior : {B::isolated, B::merged_with_previous, B::merged_with_next, B::contiguous}) {
    CHECK(split(behavior, "abc") == "abc");
    CHECK(split(behavior, "x") == "x");
    CHECK(split(behavior, "") == "");
  }
  CHECK(words({}, "a b") == "a b");
  CHECK(words({Parts::Split{"xy", false, B::isolated, false}}, "axyxbxy") == "a/xy/xb/xy");
}

TEST_CASE("digits are words one by one or together") {
  CHECK(words({Parts::Digits{true}}, "ab12c3") == "ab/1/2/c/3");
  CHECK(words({Parts::Digits{false}}, "ab12c3") == "ab/12/c/3");
  CHECK(words({Parts::Digits{true}}, "\u0663\u0664\u00e9") == "\u0663/\u0664/\u00e9");
  CHECK_FALSE(text::PreTokenizer({Parts::Digits{true}}).byte_level());
}

TEST_CASE("a step cuts what the one before it left") {
  const Parts::Split blank{" ", false, Parts::Behavior::isolated, false};
  CHECK(words({blank, Parts::Digits{true}}, "a12 b") == "a/1/2/ /b");
  CHECK(words({Parts::Split{" ", false, Parts::Behavior::removed, false}, Parts::Digits{false}}, "a12 3") == "a/12/3");
  CHECK(words({Parts::Digits{true}, Parts::ByteLevel{false, true}}, "a b1") == "a/ b/1");
}

TEST_CASE("a byte-level text begins with a blank if the file asks for it") {
  CHECK(words({Parts::ByteLevel{true, true}}, "a b") == " a/ b");
  CHECK(words({Parts::ByteLevel{true, true}}, " a") == " a");
  CHECK(words({Parts::ByteLevel{false, true}}, "a b") == "a/ b");
  CHECK(words({Parts::ByteLevel{true, false}}, "a b") == " a b");
  CHECK(words({Parts::ByteLevel{true, true}}, "") == "");
  CHECK(text::PreTokenizer({Parts::ByteLevel{}}).byte_level());
  CHECK_FALSE(text::PreTokenizer().byte_level());
}

TEST_CASE("blanks become a mark, which stands first where the scheme says") {
  using S = Parts::PrependScheme;
  const auto metaspace = [](S scheme, bool splits, const std::string& text) {
    return words({Parts::Metaspace{"_", scheme, splits}}, text);
  };
  CHECK(metaspace(S::always, true, "a b") == "_a/_b");
  CHECK(metaspace(S::first, true, "a b") == "_a/_b");
  CHECK(metaspace(S::never, true, "a b") == "a/_b");
  CHECK(metaspace(S::always, false, "a b") == "_a_b");
  CHECK(metaspace(S::always, true, " a") == "_a");
  CHECK(metaspace(S::always, true, "") == "");
  const std::string text = "a b";
  for (const auto& [scheme, later] : {std::pair(S::always, "_b"), {S::first, "b"}, {S::never, "b"}})
    CHECK(joined(text::PreTokenizer({Parts::Metaspace{"_", scheme, true}}), text::AlignedText(text, {2, 3})) == later);
}

TEST_CASE("steps in an order that cannot be done are refused") {
  const Parts::ByteLevel bytes{false, true}, spaced{true, true};
  const Parts::Metaspace mark{"_", Parts::PrependScheme::always, false};
  const Parts::Split x{"x", false, Parts::Behavior::isolated, false};
  const Parts::Digits digits{true};
  CHECK(refusal({bytes, bytes}) == "ByteLevel after ByteLevel");
  CHECK(refusal({x, spaced}) == "ByteLevel with add_prefix_space after another one");
  CHECK(refusal({mark, spaced}) == "ByteLevel with add_prefix_space after another one");
  CHECK(refusal({x, bytes}) == "none");
  CHECK(refusal({mark, bytes}) == "none");
  CHECK(refusal({bytes, x}) == "Split after ByteLevel");
  CHECK(refusal({bytes, digits}) == "Digits after ByteLevel");
  CHECK(refusal({bytes, mark}) == "Metaspace after another one");
  CHECK(refusal({x, mark}) == "Metaspace after another one");
  CHECK(refusal({mark, mark}) == "Metaspace after another one");
  CHECK(refusal({mark, x, digits}) == "none");
}
