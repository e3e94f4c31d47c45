#include <catch2/catch.hpp>
#include <filesystem>
#include <vlt/base/quoted.hpp>

using namespace vlt;

TEST_CASE("a quotation shows what it is, within its limit") {
  CHECK(quoted("a cat") == "\"a cat\"");
  CHECK(quoted("") == "\"\"");
  CHECK(quoted("say \"no\" \\ yes") == R"("say \"no\" \\ yes")");
  CHECK(quoted("abcdef", 6) == "\"abcdef\"");
  CHECK(quoted("abcdef", 5) == "\"abcde...\"");
  CHECK(quoted("ab\u00E9f", 3) == "\"ab\u00E9...\"");  // no half characters
  CHECK(quoted(std::string(80, 'x')) == "\"" + std::string(80, 'x') + "\"");
  CHECK(quoted(std::string(81, 'x')) == "\"" + std::string(80, 'x') + "...\"");
  const std::string longer(81, 'x'), cut = "\"" + std::string(80, 'x') + "...\"";
  CHECK(quoted(std::string_view(longer)) == cut);
  CHECK(quoted(longer.c_str()) == cut);
  CHECK(quoted(longer.c_str() + 1) == "\"" + longer.substr(1) + "\"");
  CHECK(quoted(std::string_view(longer).substr(1)) == "\"" + longer.substr(1) + "\"");
  std::string text = "t\"";
  CHECK(quoted(text) == R"("t\"")");
  CHECK(quoted(std::string_view("v")) == "\"v\"");
}

TEST_CASE("nothing quoted moves the cursor, hides text or is broken UTF-8") {
  CHECK(escaped("a\x1b[31mb\nc\td") == "a\\x1b[31mb\\x0ac\\x09d");
  CHECK(escaped("\x7f|\xC2\x80|\xC2\x9F|\xC2\xA0") == "\\x7f|\\u{80}|\\u{9f}|\u00A0");
  CHECK(escaped("\xff\xfe z") == "\\xff\\xfe z");
  CHECK(escaped("\u202Eabc") == "\\u{202e}abc");
  const std::pair<std::uint32_t, std::uint32_t> ranges[] = {{0, 0x1F},        {0x7F, 0x9F},     {0x61C, 0x61C},
                                                            {0x200B, 0x200F}, {0x2028, 0x202E}, {0x2060, 0x206F},
                                                            {0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFB}, {0xE0000, 0xE007F}};
  for (const auto& [first, last] : ranges) {
    CAPTURE(first, last);
    CHECK((first == 0 || !disturbs_a_line(first - 1)));
    CHECK(disturbs_a_line(first));
    CHECK(disturbs_a_line(last));
    CHECK_FALSE(disturbs_a_line(last + 1));
  }
}
