// JSON with places: every complaint names the line and column, or the path to the value.
#include <unit/io/temporary_folder.hpp>
#include <vlt/io/json.hpp>
#include <vlt/io/pretty_json.hpp>

using namespace vlt;
using vlt::test::refused;

namespace {

constexpr auto model = ExitCode::model;
const boost::json::value example =
    parse_json(R"({"n": 3, "x": 1.5, "s": "text", "b": true, "list": [1, -2, "three"], "none": null})", "f.json");
Json root() { return Json(example, "f.json: $"); }

}  // namespace

TEST_CASE("values of the expected type are returned") {
  CHECK(root().at("n").index() == 3);
  CHECK(root().at("n").number() == 3.0);
  CHECK(root().at("x").number() == 1.5);
  CHECK(root().at("s").string() == "text");
  CHECK(root().at("b").boolean());
  CHECK(root().at("list")[1].integer() == -2);
  CHECK_FALSE(root().find("none").has_value());
  CHECK_FALSE(root().find("absent").has_value());
  CHECK(root().string("absent", "d") == "d");
  CHECK(root().boolean("absent", true));
  CHECK(root().index("absent", 7) == 7);
  CHECK(root().number("absent", 0.5) == 0.5);
}

TEST_CASE("a value of another type is refused with its path and what was found") {
  refused([] { root().at("s").index(); }, model, "MODEL-JSON-002", "f.json: $.s", "\"text\"", "integer");
  refused([] { root().at("list")[1].index(); }, model, "MODEL-JSON-002", "$.list[1]", "-2");
  refused([] { root().at("s").number(); }, model, "MODEL-JSON-002", "a number");
  refused([] { root().at("x").integer(); }, model, "MODEL-JSON-002", "an integer");
  refused([] { root().at("n").string(); }, model, "MODEL-JSON-002", "a string", "3");
  refused([] { root().at("list").object(); }, model, "MODEL-JSON-002", "a list of 3");
  refused([] { root().at("none").string(); }, model, "MODEL-JSON-002", "null");
  refused([] { root().string(); }, model, "MODEL-JSON-002", "a string | an object |");
  refused([] { root().at("b").string(); }, model, "MODEL-JSON-002", "a string | true |");
  const boost::json::value limits{
      {"long", std::string(100, 'x')}, {"zero", 0}, {"most", 2147483647}, {"more", 2147483648}};
  const Json all(limits, "$");
  refused([&] { all.at("long").integer(); }, model, "MODEL-JSON-002", "xxx...");
  CHECK((all.at("zero").index() == 0 && all.at("most").index() == 2147483647));
  refused([&] { all.at("more").index(); }, model, "MODEL-JSON-002", "0 to 2147483647", "2147483648");
  refused([] { root().at("absent"); }, model, "MODEL-JSON-003", "\"absent\" is missing", "\"list\"");
  refused([] { root().at("list")[3]; }, model, "MODEL-JSON-003", "$.list[3]", "too short", "at least 4", "3");
  refused([] { root().at("n").refuse("three is too many", "two"); }, model, "MODEL-JSON-004", "three is too many",
          "two");
}

TEST_CASE("mistakes in the text are reported with line and column") {
  const auto bad = [](std::string_view text, const std::string& place) {
    INFO(text);
    refused([&] { parse_json(text, "f.json", blame_data); }, ExitCode::data, "DATA-JSON-001",
            place + (place.starts_with("f.json") ? " |" : ""));
  };
  bad("{\n  \"a\": 1,\n}", "f.json:3:1");
  bad("[1, 2] x", "f.json:1:8");
  bad("{\"a\": 1", "f.json:1:8");
  bad("[NaN]", "f.json:1:2");
  bad("[// no\n1]", "f.json:1:2");
  bad("{'a': 1}", "f.json:1:2");
  bad("[\"\xff\"]", "f.json:1:3");
  bad("", "f.json:1:1");
  bad("  \n ", "empty");
  bad(std::string(33, '[') + std::string(33, ']'), "nesting deeper than 32");
  CHECK_NOTHROW(parse_json(std::string(32, '[') + std::string(32, ']'), "f.json"));
  CHECK(parse_json("\xef\xbb\xbf{}", "f.json").is_object());
  const std::string deep = std::string(40, '[') + std::string(40, ']');
  CHECK_NOTHROW(parse_json(deep, "f.json", blame_data, 40));
  refused([&] { parse_json(deep, "f.json", blame_data, 39); }, ExitCode::data, "DATA-JSON-001",
          "nesting deeper than 39");
  CHECK(line_and_column("a\nbc\nd", 0, "f") == "f:1:1");
  CHECK(line_and_column("a\nbc\nd", 1, "f") == "f:1:2");
  CHECK(line_and_column("a\nbc\nd", 3, "f") == "f:2:2");
  CHECK(line_and_column("a\nbc\nd", 5, "f") == "f:3:1");
}

TEST_CASE("what readers would understand differently is refused: a key twice in one object, a number beyond a double") {
  const auto bad = [](std::string_view text, const char* code, const char* place, const char* found) {
    INFO(text);
    refused([&] { parse_json(text, "f.json"); }, model, code, place, found);
  };
  CHECK_NOTHROW(parse_json(R"({"a": {"b": 1}, "b": [{"a": 1}, {"a": 2}]})", "f.json"));
  bad("{\"a\": 1,\n \"b\": 2, \"a\": 3}", "MODEL-JSON-005", "f.json:2:", "\"a\"");
  bad(R"([{"x": {"a": 1, "\u0061": 2}}])", "MODEL-JSON-005", "f.json:1:", "\"a\"");
  CHECK_NOTHROW(parse_json("[1.7976931348623157e308, 1e-400, 18446744073709551616]", "f.json"));
  bad("{\"x\": 1e400}", "MODEL-JSON-006", "f.json:1:", "\"1e400\"");
  bad("\xef\xbb\xbf[1,\n-1e309]", "MODEL-JSON-006", "f.json:2:", "-1e309");
}

TEST_CASE("pretty JSON reads back as the same value") {
  const char* text =
      R"({"a":[1,2.5,1e-05,[],{}],"b":{"c":null,"d":"\"x\n"},"e":18446744073709551615,"f":-3,"g":1e300})";
  const auto value = parse_json(text, "f.json");
  const std::string pretty = pretty_json(value);
  CHECK(parse_json(pretty, "f.json") == value);
  CHECK_THAT(pretty, Catch::Contains("  \"a\": [\n    1,\n    2.5,\n    1e-05,\n    [],\n    {}\n  ]"));
  CHECK(pretty_json(boost::json::value(3.0)) == "3.0\n");
}
