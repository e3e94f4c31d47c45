#include <catch2/catch.hpp>
#include <vlt/base/utf8.hpp>

using namespace vlt;

// Every border between lengths, and what the standard leaves out on both sides of each.
TEST_CASE("a code point is written and read back") {
  for (const std::uint32_t code : {0x0u, 0x41u, 0x7Fu, 0x80u, 0xE9u, 0x7FFu, 0x800u, 0x20ACu, 0xD7FFu, 0xE000u, 0xFFFDu,
                                   0xFFFFu, 0x10000u, 0x1F601u, 0x3FFFFu, 0x10FFFFu}) {
    CAPTURE(code);
    std::string text = "x";
    utf8::append(text, code);
    const std::size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    REQUIRE(text.size() == 1 + length);
    CHECK(utf8::valid_length(text, 1) == int(length));
    CHECK(utf8::at(text, 1).code == code);
    CHECK(utf8::at(text, 1).length == length);
    CHECK(utf8::before(text, text.size()).code == code);
    CHECK(utf8::before(text, 1).code == 'x');
    CHECK_FALSE(utf8::invalid_byte(text).has_value());
    for (std::size_t i = 2; i < text.size(); ++i) CHECK(utf8::continues(text[i]));
    CHECK_FALSE(utf8::continues(text[1]));
    if (length == 1) continue;
    const std::string_view cut(text.data(), text.size() - 1);  // what stands behind a view is not of it
    CHECK(utf8::valid_length(cut, 1) == 1 - int(length));
    CHECK(utf8::repaired(cut) == "x\uFFFD");
    CHECK_FALSE(utf8::invalid_byte(cut.substr(0, 1)).has_value());
    text.pop_back();  // its last byte is missing
    CHECK(utf8::valid_length(text, 1) == 1 - int(length));
    CHECK(utf8::invalid_byte(text) == 1u);
    text += 'z';
    CHECK(utf8::valid_length(text, 1) == 1 - int(length));
    CHECK(utf8::repaired(text) == "x\uFFFDz");
  }
}

TEST_CASE("bytes behind a view are not looked at") {
  const std::string_view text("ab\xFF");
  CHECK_FALSE(utf8::invalid_byte(text.substr(0, 2)).has_value());
  CHECK(utf8::repaired(text.substr(0, 2)) == "ab");
}

TEST_CASE("what is not UTF-8 is found, and repaired as Python's errors='replace' does") {
  // text, place of the first wrong byte, b"...".decode("utf-8", "replace")
  const struct {
    std::string text;
    std::size_t wrong;
    const char* repaired;
  } cases[] = {{"a\x80", 1, "a\uFFFD"},
               {"\xBF", 0, "\uFFFD"},
               {"\xC0\xAF", 0, "\uFFFD\uFFFD"},  // two bytes for what one holds
               {"\xC1\xBF", 0, "\uFFFD\uFFFD"},
               {"\xC2\x41", 0,
                "\uFFFD"
                "A"},
               {"\xE0\x9F\xBF", 0, "\uFFFD\uFFFD\uFFFD"},  // three for two
               {"\xE0\xA0", 0, "\uFFFD"},
               {"\xED\xA0\x80", 0, "\uFFFD\uFFFD\uFFFD"},  // half a surrogate pair
               {"\xED\x9F\xBF!", 4, nullptr},
               {"\xEE\x80\x80\xFF", 3, "\uE000\uFFFD"},
               {"\xF0\x8F\xBF\xBF", 0, "\uFFFD\uFFFD\uFFFD\uFFFD"},  // four for three
               {"\xF0\x90\x80\x41", 0,
                "\uFFFD"
                "A"},
               {"\xF4\x90\x80\x80", 0, "\uFFFD\uFFFD\uFFFD\uFFFD"},  // above the last code point
               {"\xF5\x80", 0, "\uFFFD\uFFFD"},
               {"ok \xC3\xA9 \xE2\x82 x", 6, "ok \u00E9 \uFFFD x"}};
  for (const auto& [text, wrong, repaired] : cases) {
    CAPTURE(text);
    if (!repaired) {
      CHECK_FALSE(utf8::invalid_byte(text).has_value());
      CHECK(utf8::repaired(text) == text);
      continue;
    }
    REQUIRE(utf8::invalid_byte(text).has_value());
    CHECK(*utf8::invalid_byte(text) == wrong);
    CHECK(utf8::repaired(text) == repaired);
  }
}
