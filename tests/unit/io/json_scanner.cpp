#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <random>
#include <vlt/io/json_scanner.hpp>

// The scanner against Boost.JSON: same texts accepted, same values read.
namespace {

using vlt::JsonScanner;

JsonScanner::Source from(std::string_view text, std::size_t at_most) {
  return [text, at_most, at = std::size_t(0)](char* to, std::size_t bytes) mutable {
    const std::size_t n = std::min({bytes, at_most, text.size() - at});
    text.copy(to, n, at);
    at += n;
    return n;
  };
}

boost::json::value value(JsonScanner& in) {
  std::string text;
  switch (in.kind()) {
    case JsonScanner::Kind::object: {
      boost::json::object o;
      in.object([&](const std::string& key) { o[key] = value(in); });
      return o;
    }
    case JsonScanner::Kind::list: {
      boost::json::array a;
      in.list([&] { a.push_back(value(in)); });
      return a;
    }
    case JsonScanner::Kind::string:
      in.string(text);
      return boost::json::string(text);
    case JsonScanner::Kind::number:
      in.number(text);
      return boost::json::parse(text);
    case JsonScanner::Kind::boolean: {
      const bool yes = in.peek() == 't';
      in.skip();
      return yes;
    }
    default:
      in.skip();
      return nullptr;
  }
}

std::optional<boost::json::value> scanned(std::string_view text, std::size_t window) {
  JsonScanner in(from(text, window), "x.json", 16, window);
  try {
    auto v = value(in);
    in.skip_blanks();
    if (in.peek() < 0) return v;
  } catch (const vlt::Error&) {}
  return std::nullopt;
}

const std::string seeds[] = {
    R"([{"id": "7", "image": ["a.jpg", null], "n": -1.5e+3, "t": true, "f": false, "z": 0}])",
    R"({"a\u0062\n": "\ud83d\ude00 é \" \\ \/ \t", "deep": [[[[[[[[[[[[[[1]]]]]]]]]]]]]]})",
    "[\"\xf0\x9f\x98\x80 \xc3\xa9 \xe2\x82\xac \xe0\xa0\x80\", 12345678901234567890, 0.25, 1E-2, [], {}, \"\"]",
    "  [1 , 2\r\n,\t3 ] ",
};

}  // namespace

TEST_CASE("the scanner reads what Boost.JSON reads, whatever the window") {
  for (const auto& text : seeds)
    for (const std::size_t window : {1u, 2u, 3u, 7u, 64u, 65536u}) {
      const auto v = scanned(text, window);
      REQUIRE(v);
      CHECK(*v == boost::json::parse(text));
    }
}

TEST_CASE("damaged texts are accepted and refused as Boost.JSON does", "[fuzz]") {
  std::mt19937 random(7);
  const std::string alphabet = "\"\\[]{},:0123456789.eE+-truefalsnu \n/#'NI\x01\x80\xbf\xc3\xed\xf4\xff";
  int accepted = 0, refused = 0;
  boost::json::parse_options options;
  options.max_depth = 16;
  for (int round = 0; round < 40000; ++round) {
    std::string text = seeds[random() % std::size(seeds)];
    for (unsigned edits = 1 + random() % 3; edits-- > 0 && !text.empty();) {
      const std::size_t at = random() % text.size();
      const char c = alphabet[random() % alphabet.size()];
      switch (random() % 4) {
        case 0:
          text[at] = c;
          break;
        case 1:
          text.insert(at, 1, c);
          break;
        case 2:
          text.erase(at, 1 + random() % 3);
          break;
        default:
          text.insert(at, text.substr(random() % text.size(), random() % 8));
      }
    }
    boost::json::error_code problem;
    const auto expected = boost::json::parse(text, problem, {}, options);
    if (problem == boost::json::error::exponent_overflow) continue;  // a limit of numbers there, not of JSON
    const auto found = scanned(text, 1 + random() % 40);
    INFO(text);
    REQUIRE(found.has_value() == !problem);
    if (found) REQUIRE(*found == expected);
    ++(found ? accepted : refused);
  }
  CHECK(accepted > 1000);
  CHECK(refused > 1000);
}

TEST_CASE("a mistake has its line and column") {
  const auto place = [](std::string_view text) {
    JsonScanner in(from(text, 5), "x.json", 16, 5);
    try {
      in.skip();
    } catch (const vlt::Error& e) { return e.complaint().place(); }
    return std::string("none");
  };
  CHECK(place("[1,\n 2\n x]") == "x.json:3:2");
  CHECK(place("[\"\xc3\xa9\", ?]") == "x.json:1:8");
  CHECK(place("[1, ]") == "x.json:1:3");
  CHECK(place("[\"a\nb\"]") == "x.json:1:4");
  CHECK(place("[1\n,2") == "x.json:2:3");
}

namespace {

const struct {
  const char *text, *code, *place, *what, *found;
} mistakes[] = {{"['a']", "020", "1:2", "strings need double quotes", "\"'\""},
                {"{'a':1}", "020", "1:2", "strings need double quotes", "\"'\""},
                {"[1,\n//\n2]", "011", "2:1", "a comment", "\"/\""},
                {"{#\n}", "011", "1:2", "a comment", "\"#\""},
                {"{/**/}", "011", "1:2", "a comment", "\"/\""},
                {"[1 /* */]", "011", "1:4", "a comment", "\"/\""},
                {"[1 # one\n]", "011", "1:4", "a comment", "\"#\""},
                {"[NaN]", "018", "1:2", "NaN", "\"NaN\""},
                {"[Infinity]", "018", "1:2", "Infinity", "\"Infinity\""},
                {"[-Infinity]", "018", "1:3", "Infinity", "\"Infinity\""},
                {"[None]", "018", "1:2", "None", "\"None\""},
                {"[abcdefghij0123456789klm]", "009", "1:2", "no JSON value", "\"abcdefghij0123456789\""},
                {"[\xc3\xa9]", "009", "1:2", "no JSON value", "\"\xc3\xa9\""},
                {"[trUe]", "009", "1:4", "no JSON value", "\"Ue\""},
                {"[nul]", "009", "1:5", "no JSON value", "\"]\""},
                {"[1 2]", "009", "1:4", "a comma is missing", "\"2\""},
                {"{\"a\":1 \"b\":2}", "009", "1:8", "a comma is missing", "\"\\\"\""},
                {"{\"a\" 1}", "009", "1:6", "a colon is missing", "\"1\""},
                {"{1:2}", "009", "1:2", "a key is missing", "\"1\""},
                {"[1, ]", "010", "1:3", "a comma with nothing behind it", "`,` before `]`"},
                {"{\"a\":1,}", "010", "1:7", "a comma with nothing behind it", "`,` before `}`"},
                {"[-]", "009", "1:3", "a digit is missing", "\"]\""},
                {"[1.e1]", "009", "1:4", "a digit is missing", "\"e1\""},
                {"[1e+]", "009", "1:5", "a digit is missing", "\"]\""},
                {"[01]", "009", "1:3", "a comma is missing", "\"1\""},
                {"[\"\x1f\"]", "009", "1:3", "a control character", "\"\\x1f\""},
                {"[\"\\q\"]", "009", "1:4", "an unknown escape", "\"q\""},
                {"[\"\\u00g0\"]", "009", "1:7", "four hexadecimal digits", "\"g0\""},
                {"[\"\\udc00\"]", "015", "1:9", "half of a surrogate pair", "\"\\\"\""},
                {"[\"\\udfff\"]", "015", "1:9", "half of a surrogate pair", "\"\\\"\""},
                {"[\"\\ud800x\"]", "015", "1:9", "half of a surrogate pair", "\"x\""},
                {"[\"\\ud800\\n\"]", "015", "1:10", "half of a surrogate pair", "\"n\""},
                {"[\"\\ud800\\udbff\"]", "015", "1:15", "half of a surrogate pair", "\"\\\"\""},
                {"[\"\\udbff\\ue000\"]", "015", "1:15", "half of a surrogate pair", "\"\\\"\""},
                {"[\"a\xc3(\"]", "014", "1:4 @ byte 3", "invalid UTF-8", "\"\\xc3\""},
                {"[\"\x80\"]", "014", "1:3 @ byte 2", "invalid UTF-8", "\"\\x80\""},
                {"[[[[1]]]]", "017", "1:4", "nesting deeper than 3", "\"[\""},
                {"[[[{}]]]", "017", "1:4", "nesting deeper than 3", "\"{\""},
                {"", "008", "1:1", "where a value should be", "the end of the file"},
                {"[1,", "008", "1:4", "inside a list", "the end of the file"},
                {"[-", "008", "1:3", "inside a list", "the end of the file"},
                {"{\"a\"", "008", "1:5", "inside an object", "the end of the file"},
                {"{\"a\": [1], ", "008", "1:12", "inside an object", "the end of the file"},
                {"[{\"a\": 1}", "008", "1:10", "inside a list", "the end of the file"},
                {"[\"a", "008", "1:4", "inside a string", "the end of the file"},
                {"[\"a\", tru", "008", "1:10", "inside a list", "the end of the file"},
                {"[\"\\", "008", "1:4", "inside a string", "the end of the file"}};

}  // namespace

TEST_CASE("a mistake has its code and says what is wrong") {
  for (const auto& [text, code, place, what, found] : mistakes) {
    CAPTURE(text);
    JsonScanner in(text, "x.json", 3);
    try {
      in.skip();
      FAIL("accepted");
    } catch (const vlt::Error& e) {
      CHECK(e.complaint().code() == std::string("DATA-JSON-") + code);
      CHECK(e.complaint().place() == std::string("x.json:") + place);
      CHECK_THAT(e.complaint().what(), Catch::Contains(what));
      CHECK(e.complaint().found() == found);
    }
  }
  for (const auto& [text, what] : {std::pair{std::string_view("[\"\0\"]", 5), "a control character"},
                                   std::pair{std::string_view("[\0]", 3), "no JSON value"}}) {
    JsonScanner in(text, "x.json", 3);
    try {
      in.skip();
      FAIL("accepted");
    } catch (const vlt::Error& e) { CHECK_THAT(e.complaint().what(), Catch::Contains(what)); }
  }
  JsonScanner of_a_model("[1", "x.json", 3, vlt::blame_model);
  try {
    of_a_model.skip();
    FAIL("accepted");
  } catch (const vlt::Error& e) { CHECK(e.complaint().code() == "MODEL-JSON-008"); }
}

TEST_CASE("every kind of value has a name, a key its place and a length") {
  const char* names[] = {"object", "list", "string", "number", "boolean", "boolean", "null", "number", "nothing"};
  const char* texts[] = {"{}", "[]", "\"\"", "9", "true", "false", "null", "-1", " \t\r\n"};
  for (std::size_t i = 0; i < std::size(texts); ++i)
    CHECK(JsonScanner::name_of(JsonScanner(texts[i], "x", 1).kind()) == std::string(names[i]));
  const std::string longest(4096, 'k'), text = "{\"a\": 1,\n \"" + longest + "k\": 2}";
  JsonScanner in(text, "x.json", 1);
  CHECK(in.name() == "x.json");
  std::vector<std::string> keys;
  std::vector<std::uint64_t> places;
  REQUIRE(in.kind() == JsonScanner::Kind::object);
  in.object([&](const std::string& key) {
    keys.push_back(key), places.push_back(in.key_offset());
    in.skip();
  });
  CHECK(keys == std::vector<std::string>{"a", longest});
  CHECK(places == std::vector<std::uint64_t>{1, 10});
  CHECK(in.offset() == text.size());
  CHECK((in.place().line == 2 && in.place().column == text.size() - 9 + 1));
}

TEST_CASE("long strings and numbers are cut, not stored") {
  const std::string text = "[\"" + std::string(1000, 'a') + "\", " + std::string(1000, '9') + "]";
  JsonScanner in(from(text, 64), "x.json", 16, 64);
  std::vector<std::string> kept(2);
  std::size_t bytes = 0, element = 0;
  in.list([&] {
    if (element++ == 0) in.kind(), bytes = in.string(kept[0], 10);
    else in.kind(), in.number(kept[1], 10);
  });
  CHECK(bytes == 1000);
  CHECK(kept[0] == std::string(10, 'a'));
  CHECK(kept[1] == std::string(10, '9'));
}
