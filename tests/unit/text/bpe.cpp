// Byte-pair encoding of single words: ids and how many bytes each covers.
#include <catch2/catch.hpp>
#include <vlt/text/bpe.hpp>

using namespace vlt;

namespace {

text::TokenizerFile file_of(std::vector<std::string> tokens, std::vector<std::array<std::string, 2>> merges) {
  text::TokenizerFile file;
  file.name = "t.json";
  for (std::size_t i = 0; i < tokens.size(); ++i) file.model.vocab.emplace_back(tokens[i], std::int32_t(i));
  file.model.merges = std::move(merges);
  return file;
}
// a 0, b 1, c 2, ab 3, abc 4, ? 5
text::TokenizerFile letters() { return file_of({"a", "b", "c", "ab", "abc", "?"}, {{{"a", "b"}}, {{"ab", "c"}}}); }
// "id:bytes id:bytes".
std::string shown(const std::vector<text::WordToken>& tokens) {
  std::string all;
  for (const auto& [id, length] : tokens)
    all += (all.empty() ? "" : " ") + std::to_string(id) + ":" + std::to_string(length);
  return all;
}
std::string encoded(const text::TokenizerFile& file, const std::string& word, bool byte_level = false) {
  const text::Bpe bpe(file, byte_level);
  text::Bpe::Scratch scratch;
  const std::string first = shown(bpe.tokens(word, scratch));
  CHECK(shown(bpe.tokens(word, scratch)) == first);  // remembered
  return first;
}
std::string refusal(const text::TokenizerFile& file, bool byte_level = false) {
  try {
    text::Bpe unused(file, byte_level);
  } catch (const Error& e) { return e.complaint().code() + " " + e.complaint().place() + " " + e.complaint().found(); }
  return "none";
}

}  // namespace

TEST_CASE("the earliest merge goes first") {
  CHECK(encoded(letters(), "abc") == "4:3");
  CHECK(encoded(letters(), "cab") == "2:1 3:2");
  CHECK(encoded(letters(), "aabb") == "0:1 3:2 1:1");
  CHECK(encoded(letters(), "") == "");
  const auto other = file_of({"a", "b", "c", "bc", "ab"}, {{{"b", "c"}}, {{"a", "b"}}});
  CHECK(encoded(other, "abc") == "0:1 3:2");
  std::string all;
  for (int i = 0; i < 40; ++i) all += i == 0 ? "3:2" : " 3:2";
  std::string word;
  for (int i = 0; i < 40; ++i) word += "ab";  // longer than what is remembered
  CHECK(encoded(letters(), word) == all);
}

TEST_CASE("a whole word may be a token whatever the merges say") {
  auto file = file_of({"a", "b", "ab"}, {});
  CHECK(encoded(file, "ab") == "0:1 1:1");
  file.model.ignore_merges = true;
  CHECK(encoded(file, "ab") == "2:2");
  CHECK(encoded(file, "aba") == "0:1 1:1 0:1");
  auto bytes = file_of({"\u0120", "a", "\u0120a"}, {});  // U+0120 spells a blank
  CHECK(encoded(bytes, " a", true) == "0:1 1:1");
  bytes.model.ignore_merges = true;
  CHECK(encoded(bytes, " a", true) == "2:2");
}

TEST_CASE("what the vocabulary lacks is dropped, unknown, or bytes") {
  auto file = letters();
  CHECK(encoded(file, "xaxyb") == "3:5");  // bytes of what is dropped count for a neighbour
  CHECK(encoded(file, "a\u00e9b") == "3:4");
  file.model.unk_token = "?";
  CHECK(encoded(file, "xa\u00e9yb") == "5:1 0:1 5:2 5:1 1:1");
  CHECK(encoded(file, "xy") == "5:1 5:1");
  file.model.fuse_unk = true;
  CHECK(encoded(file, "xa\u00e9yb") == "5:1 0:1 5:3 1:1");
  CHECK(encoded(file, "xy") == "5:2");
  auto bytes = letters();
  bytes.model.byte_fallback = true;
  for (int b = 0; b < 256; ++b) {
    char name[8];
    std::snprintf(name, sizeof name, "<0x%02X>", unsigned(b));
    bytes.model.vocab.emplace_back(name, 6 + b);
  }
  CHECK(encoded(bytes, "a\u00e9") == "0:1 " + std::to_string(6 + 0xC3) + ":1 " + std::to_string(6 + 0xA9) + ":1");
  bytes.model.vocab.pop_back();
  CHECK(refusal(bytes) == "MODEL-TOK-016 t.json: $.model.byte_fallback <0xFF> is missing");
  CHECK(refusal(bytes, true) == "MODEL-TOK-016 t.json: $.model.byte_fallback true");
}

TEST_CASE("bytes that have no token are unknown or dropped") {
  auto file = file_of({"a", "\u0120", "?"}, {});
  CHECK(encoded(file, "a \xc3\xa9", true) == "0:1 1:3");
  file.model.unk_token = "?";
  CHECK(encoded(file, "a\xc3\xa9 ", true) == "0:1 2:1 2:1 1:1");
  CHECK(encoded(file, "\xc3\xa9", true) == "2:1 2:1");
  file.model.fuse_unk = true;
  CHECK(encoded(file, "a\xc3\xa9 \xc3\xa9", true) == "0:1 2:2 1:1 2:2");
}

TEST_CASE("what does not fit together is refused with its place") {
  CHECK(text::Bpe(letters(), false).id("abc") == 4);
  CHECK(text::Bpe(letters(), false).id("x") == -1);
  CHECK(refusal(file_of({"a", "b", "ab"}, {{{"a", "b"}}, {{"a", "x"}}})) ==
        "MODEL-TOK-007 t.json: $.model.merges[1] \"x\"");
  CHECK(refusal(file_of({"a", "b", "ab"}, {{{"x", "b"}}})) == "MODEL-TOK-007 t.json: $.model.merges[0] \"x\"");
  CHECK(refusal(file_of({"a", "b"}, {{{"a", "b"}}})) == "MODEL-TOK-010 t.json: $.model.merges[0] \"ab\"");
  auto file = letters();
  file.model.unk_token = "x";
  CHECK(refusal(file) == "MODEL-TOK-007 t.json: $.model.unk_token \"x\"");
  file.model.unk_token = "a";
  CHECK(refusal(file) == "none");
}
