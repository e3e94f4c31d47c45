// JSON as people read it: Python's json.dumps(value, indent=2), and a line's end.
#include <catch2/catch.hpp>
#include <cmath>
#include <vlt/io/pretty_json.hpp>

using namespace vlt;

TEST_CASE("every level is two blanks further in, every entry a line") {
  const auto value = boost::json::parse(R"({"a": {"b": [1, [2, {}]], "c": []}, "d": "x\"y", "e": null, "f": true})");
  CHECK(pretty_json(value) ==
        "{\n  \"a\": {\n    \"b\": [\n      1,\n      [\n        2,\n        {}\n      ]\n    ],\n    \"c\": []\n  },\n"
        "  \"d\": \"x\\\"y\",\n  \"e\": null,\n  \"f\": true\n}\n");
  CHECK(pretty_json(boost::json::array{}) == "[]\n");
  CHECK(pretty_json(7) == "7\n");
}

TEST_CASE("a number has the fewest digits that read back, and a point or an exponent") {
  const std::pair<double, const char*> numbers[] = {{2, "2.0"},
                                                    {0.1, "0.1"},
                                                    {-1.5, "-1.5"},
                                                    {1e300, "1e+300"},
                                                    {1e-7, "1e-07"},
                                                    {0, "0.0"},
                                                    {1.0 / 3, "0.3333333333333333"},
                                                    {0.1 + 0.2, "0.30000000000000004"}};
  for (const auto& [value, text] : numbers) CHECK(pretty_json(value) == std::string(text) + "\n");
  CHECK_THROWS(pretty_json(NAN));
  CHECK_THROWS(pretty_json(INFINITY));
}
