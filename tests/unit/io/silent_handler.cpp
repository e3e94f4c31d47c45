#include <vlt/io/silent_handler.hpp>

#include <catch2/catch.hpp>
#include <string_view>

namespace {

// Adds the integers of a text.
struct Sum : vlt::SilentHandler {
  std::int64_t sum = 0;
  bool on_int64(std::int64_t value, text, error&) { return sum += value, true; }
};

}  // namespace

TEST_CASE("a handler says what to do about the events it is about, and nothing else stops the parser") {
  constexpr std::string_view text =
      R"({"a": [1, 20, true, false, null, "t", "\u00e9scaped", 1.5, 18446744073709551615], /* b */ "b": {"c": 300}})";
  boost::json::parse_options options;
  options.allow_comments = true;
  boost::json::basic_parser<Sum> parser(options);
  boost::json::error_code problem;
  // A byte at a time: every event that comes in parts does.
  for (std::size_t i = 0; i < text.size(); ++i) {
    REQUIRE(parser.write_some(i + 1 < text.size(), &text[i], 1, problem) == 1);
    REQUIRE_FALSE(problem);
  }
  CHECK(parser.done());
  CHECK(parser.handler().sum == 321);
}
