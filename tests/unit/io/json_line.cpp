#include <catch2/catch.hpp>
#include <vlt/io/json_line.hpp>

using namespace vlt;

TEST_CASE("text becomes a JSON string") {
  CHECK(json_string("a cat") == "\"a cat\"");
  CHECK(json_string("\"\\/") == R"("\"\\/")");
  CHECK(json_string("a\nb\tc\x01\x1f d\x7f") == "\"a\\nb\\u0009c\\u0001\\u001f d\\u007f\"");
  CHECK(json_string("\u00E9\xff") == "\"\u00E9\uFFFD\"");
}

TEST_CASE("numbers read back as the same bits; what is not finite is null") {
  for (const double v : {0.0, 1.0, -2.5, 0.1, 1.0 / 3, 1e300, 5e-324, 6.02214076e23}) {
    CAPTURE(v);
    CHECK(std::strtod(json_number(v).c_str(), nullptr) == v);
  }
  CHECK(json_number(0.1) == "0.10000000000000001");
  CHECK(json_number(NAN) == "null");
  CHECK(json_number(-INFINITY) == "null");
}

TEST_CASE("a line holds its members in the order of the calls") {
  CHECK(JsonLine().text() == "{}");
  JsonLine line;
  line.add("text", std::string("a \"b\"")).add("word", "c").add("half", 0.5).add("whole", 7).add("yes", true);
  line.add("no", false).add("in", JsonLine().add("x", -1)).raw("list", json_list(std::vector<int>{1, 2, 3}, [](int i) {
                                                                 return std::to_string(i);
                                                               }));
  CHECK(line.text() ==
        R"({"text": "a \"b\"", "word": "c", "half": 0.5, "whole": 7, "yes": true, "no": false, "in": {"x": -1}, )"
        R"("list": [1, 2, 3]})");
  CHECK(json_list(std::vector<int>{}, [](int i) { return std::to_string(i); }) == "[]");
}
