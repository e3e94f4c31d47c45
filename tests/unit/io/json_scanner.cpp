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
    "[\"\xf0\x9f\x98\x80 \xc3\xa9 \xe2\x82\xac\", 12345678901234567890, 0.25, 1E-2, [], {}, \"\"]",
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
