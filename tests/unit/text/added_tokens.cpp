// Tokens that are found before anything else: which of them, and what they take with them.
#include <catch2/catch.hpp>
#include <vlt/text/added_tokens.hpp>

using namespace vlt;
using Token = text::TokenizerFile::AddedToken;
using Which = text::AddedTokens::Which;

namespace {

text::AddedTokens of(const std::vector<Token>& tokens) {
  text::AddedTokens all;
  for (const Token& t : tokens) all.add(t, t.content);
  return all;
}
// "text/[id:token]/text".
std::string shown(const std::vector<text::Stretch>& stretches, const std::string& text) {
  std::string all;
  for (const auto& [id, range] : stretches) {
    const std::string part = text.substr(range.begin, range.end - range.begin);
    all += (all.empty() ? "" : "/") + (id < 0 ? part : "[" + std::to_string(id) + ":" + part + "]");
  }
  return all;
}
std::string split(const std::vector<Token>& tokens, const std::string& text, Which which = Which::all) {
  return shown(of(tokens).split_verbatim(text, which), text);
}
Token token(std::int32_t id, const std::string& content) { return {id, content}; }

}  // namespace

TEST_CASE("the longest token counts, and the rest is text") {
  CHECK(split({}, "a<x>") == "a<x>");
  CHECK(split({token(7, "<x>")}, "") == "");
  CHECK(split({token(7, "<x>")}, "a<x>b<x") == "a/[7:<x>]/b<x");
  CHECK(split({token(7, "<x>")}, "<x><x>") == "[7:<x>]/[7:<x>]");
  CHECK(split({token(0, "<x>"), token(1, "<x><y>")}, "<x><y><x>") == "[1:<x><y>]/[0:<x>]");
  CHECK(of({token(0, "<x>"), token(1, "<y>")}).tokens().size() == 2);
}

TEST_CASE("a token takes the white space that it asks for") {
  Token left = token(1, "<l>"), right = token(2, "<r>"), both = token(3, "<b>");
  left.lstrip = right.rstrip = both.lstrip = both.rstrip = true;
  const std::vector<Token> all{token(0, "<x>"), left, right, both};
  CHECK(split(all, "a <x> b") == "a /[0:<x>]/ b");
  CHECK(split(all, "a \t<l> b") == "a/[1: \t<l>]/ b");
  CHECK(split(all, "a <r> \u00a0b") == "a /[2:<r> \u00a0]/b");
  CHECK(split(all, "a\u00a0 <b>  b") == "a/[3:\u00a0 <b>  ]/b");
  CHECK(split(all, "  <l>") == "[1:  <l>]");
  CHECK(split(all, "<r>  ") == "[2:<r>  ]");
  CHECK(split(all, "<b>  <b>") == "[3:<b>  ]/[3:<b>]");
  CHECK(split(all, "<r> <x>") == "[2:<r> ]/[0:<x>]");
}

TEST_CASE("a token that wants to be a word of its own is one") {
  Token word = token(1, "ab");
  word.single_word = true;
  CHECK(split({word}, "ab ab,ab") == "[1:ab]/ /[1:ab]/,/[1:ab]");
  CHECK(split({word}, "xab abx a\u00e9ab ab\u00e9 ab_ 1ab") == "xab abx a\u00e9ab ab\u00e9 ab_ 1ab");
}

TEST_CASE("special tokens are text where somebody else wrote") {
  Token special = token(1, "<s>");
  special.special = true;
  const std::vector<Token> all{special, token(2, "<x>"), token(3, "s>")};
  CHECK(split(all, "<s><x>s>") == "[1:<s>]/[2:<x>]/[3:s>]");
  CHECK(split(all, "<s><x>s>", Which::ordinary) == "<s>/[2:<x>]/[3:s>]");  // a match that is not taken is passed over
  CHECK(split(all, "<s><x>s>", Which::special) == "[1:<s>]/<x>s>");
}

TEST_CASE("a normalized token is looked for in the normalized text, as it is spelt there") {
  text::AddedTokens all;
  Token normalized = token(1, "<N>");
  normalized.normalized = true;
  all.add(normalized, "<n>");
  all.add(token(2, "<v>"), "<w>");
  const std::string text = "<N><n><v><w>";
  CHECK(shown(all.split_normalized(text, Which::all), text) == "<N>/[1:<n>]/<v><w>");
  CHECK(shown(all.split_verbatim(text, Which::all), text) == "<N><n>/[2:<v>]/<w>");
}
