#include "dataset_text.hpp"

#include <catch2/catch.hpp>
#include <random>

using namespace vlt;
using namespace vlt::test;
using Catch::Matchers::Contains;

namespace {

const std::string good = record("7"), turns = R"([{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}])";

// A record with these members and, unless they are there, an id, an image and a conversation.
std::string with(const std::string& members) {
  std::string text = "[{" + members;
  if (members.find("\"id\"") == std::string::npos) text += R"(, "id": 1)";
  if (members.find("\"conversations\"") == std::string::npos) text += R"(, "conversations": )" + turns;
  return text + "}]";
}
std::string talk(const std::string& list) { return with(R"("image": null, "conversations": )" + list); }

// A file that is no data set: exit 3, and what it says.
void refused(const std::string& text, const char* code, const char* says, const char* place) {
  INFO(text.substr(0, 200));
  const auto out = read_data_text(text);
  CHECK(out.exit == 3);
  CHECK(out.fatal.code() == code);
  CHECK_THAT(out.told(), Contains(says));
  CHECK_THAT(out.told(), Contains(place));
}
// One bad record in a good file.
void bad(const std::string& text, const char* code, const char* says, const data::RecordLimits& limits = {}) {
  INFO(text.substr(0, 200));
  const auto out = read_data_text(text, limits);
  REQUIRE(out.fatal.code() == "");
  REQUIRE(out.bad == 1);
  CHECK(out.faults[0].code() == code);
  CHECK_THAT(out.told(), Contains(says));
  CHECK_THAT(out.faults[0].place(), Contains("x.json:1:") && Contains("$[0]"));
}
void accepted(const std::string& text, std::size_t images) {
  INFO(text.substr(0, 200));
  const auto out = read_data_text(text);
  INFO(out.told());
  REQUIRE(out.fatal.code() == "");
  REQUIRE(out.bad == 0);
  REQUIRE(out.good.size() == 1);
  CHECK(out.good[0].images.size() == images);
}

}  // namespace

TEST_CASE("files that are no data set end with exit 3 and a place") {
  const TemporaryFolder folder;
  for (const std::string& path : {folder.path + "/absent.json", folder.path}) {
    const auto out = read_file(path);
    CHECK(out.exit == 3);
    CHECK_THAT(out.told(), Contains("--data_path"));
  }
  CHECK_THAT(read_file(folder.path + "/absent.json").told(), Contains("No such file or directory (2)"));
  refused("", "DATA-FILE-004", "empty file", "x.json:1:1");
  refused(" \n\t ", "DATA-FILE-004", "empty file", "x.json");
  refused("{}", "DATA-FILE-006", "expected a list, found object", "x.json:1:");
  refused("{\"data\": [" + good + "]}", "DATA-FILE-006", "expected a list, found object", "x.json:1:");
  refused("\"text\"", "DATA-FILE-006", "expected a list, found string", "x.json:1:1");
  refused("[]", "DATA-FILE-007", "0 records", "x.json");
  refused("[" + good + "] x", "DATA-JSON-009", "\"x\"", "x.json:1:");
  refused("[" + good + ",\n]", "DATA-JSON-010", "remove the comma", "x.json:1:");
  refused("[" + good + ",\n // note\n" + good + "]", "DATA-JSON-011", "comment", "x.json:2:2");
  refused(std::string("\xff\xfe[\0]\0", 6), "DATA-FILE-013", "UTF-16", "x.json:1:1");
  refused(std::string("[\0]\0", 4), "DATA-FILE-013", "convert it to UTF-8", "x.json:1:1");
  refused("[{\"id\": \"\xff\"}]", "DATA-JSON-014", "invalid UTF-8", "x.json:1:10");
  refused(R"([{"id": "\ud800"}])", "DATA-JSON-015", "invalid UTF-16", "x.json:1:");
  refused(R"([{"id": "\udc00"}])", "DATA-JSON-015", "invalid UTF-16", "x.json:1:");
  refused(R"([{"id": "\ud800\ud800"}])", "DATA-JSON-015", "invalid UTF-16", "x.json:1:");
  refused(std::string(17, '['), "DATA-JSON-017", "nesting deeper than 16", "x.json:1:17");
  refused(std::string(100000, '['), "DATA-JSON-017", "nesting deeper than 16", "x.json:1:17");
  refused(R"([{"id": NaN}])", "DATA-JSON-018", "NaN", "x.json:1:9");
  refused(R"([{"id": Infinity}])", "DATA-JSON-018", "\"Infinity\"", "x.json:1:9");
  refused(R"([{"id": -Infinity}])", "DATA-JSON-018", "\"Infinity\"", "x.json:1:10");
  refused("[" + good + "]\n" + good, "DATA-JSON-019", "changes between", "x.json:2:1");
  refused(good + "\n[" + good + "]", "DATA-JSON-019", "changes between", "x.json:2:1");
  refused("[{'id': 1}]", "DATA-JSON-020", "strings need double quotes", "x.json:1:3");
  refused(good + " " + good, "DATA-JSON-009", "two records on one line", "x.json:1:");
  refused(good + ",\n" + good, "DATA-JSON-009", "\",\"", "x.json:1:");
}

TEST_CASE("a file that was cut ends with the place of its end") {
  const std::string whole = "[" + good + ",\n" + record("8", "[\"a.png\", \"b.png\"]", "é <image> x <image>") + "]";
  std::mt19937 random(3);
  for (int i = 0; i < 40; ++i) {
    const std::size_t at = 1 + random() % (whole.size() - 2);
    const auto out = read_data_text(whole.substr(0, at));
    INFO(at);
    CHECK(out.exit == 3);
    CHECK((out.fatal.code() == "DATA-JSON-008" || out.fatal.code() == "DATA-JSON-014"));  // 014: within a character
    if (out.fatal.code() == "DATA-JSON-008") CHECK_THAT(out.fatal.what(), Contains("the file ended"));
  }
  const auto out = read_data_text("[{\"id\": \"7");
  CHECK(out.fatal.what() == "the file ended inside a string");
  CHECK_THAT(out.fatal.place(), Contains("x.json:1:11"));
}

TEST_CASE("lists and lines give the same records") {
  const std::string a = record("a"), b = record("b", "null", "hi"), c = record("c", "[\"1.png\", \"2.png\"]");
  for (const std::string& text : {"[" + a + "," + b + "]", a + "\n" + b, a + "\n\n" + b + "\n",
                                  "\xef\xbb\xbf[" + a + ",\n" + b + "]", a + "\r\n" + b}) {
    const auto out = read_data_text(text);
    INFO(out.told());
    REQUIRE(out.good.size() == 2);
    CHECK(out.records == 2);
    CHECK(out.good[0].id == "a");
    CHECK(out.good[1].images.empty());
    CHECK(out.good[1].conversation.turns[0].question == "hi");
    CHECK(out.good[1].place.index == 1);
  }
  CHECK(read_data_text(a).good.size() == 1);
  CHECK(read_data_text(a + "\nnull\n" + b).faults.at(0).code() == "DATA-RECORD-023");
}

TEST_CASE("what a record may be") {
  accepted(with(R"("image": "a.png")"), 1);
  accepted(with(R"("image": ["a.png", "b.png"])"), 2);
  accepted(with(R"("image": "a,b.png")"), 1);
  accepted(with(R"("image": null, "usage": 5, "page": {"a": [1, {"b": null}]}, "name": "x")"), 0);
  accepted(with(R"("x": 1)"), 0);
  accepted(with(R"("id": "abc", "image": null)"), 0);
  accepted(
      talk(R"([{"from": "system", "value": ""}, {"from": "user", "value": ""}, {"value": "a", "from": "assistant"}])"),
      0);
  accepted(talk(R"([{"from": "human", "value": "q", "x": [1]}, {"from": "gpt", "value": "<image>"}])"), 0);
  CHECK(read_data_text(with(R"("id": -12.5e3)")).good.at(0).id == "-12.5e3");
}

TEST_CASE("a bad record is told with its place and reason") {
  bad(with(R"("image": "a.png\u0000.jpg")"), "DATA-RECORD-016", "NUL in file name");
  bad(R"([{"id": 1, "i\u0064": 2, "conversations": )" + turns + "}]", "DATA-RECORD-021", "at byte 2 and at byte 11");
  bad(talk(R"([{"from": "human", "from": "gpt", "value": "q"}, {"from": "gpt", "value": "a"}])"), "DATA-RECORD-021",
      "\"from\" stands twice");
  for (const char* one : {"null", "\"x\"", "5", "[]", "true"})
    bad("[" + std::string(one) + "]", "DATA-RECORD-023", "expected object, found");
  bad(with(R"("id": {})"), "DATA-RECORD-025", "object");
  bad(with(R"("id": )" + std::string(1000000, '1')), "DATA-RECORD-025", "`id` is too long");
  bad(with(R"("images": ["a.png"])"), "DATA-RECORD-026", "did you mean `image` by \"images\"");
  bad(with(R"("image": "data:image/png;base64,AAAA")"), "DATA-RECORD-027", "save it as a file");
  bad(with(R"("img": "a.png")"), "DATA-RECORD-026", "use null for text-only");
  bad(with(R"("Image": "a.png")"), "DATA-RECORD-026", "missing `image`");
  bad(with(R"("conversations": [{"from": "human", "value": "<image>q"}, {"from": "gpt", "value": "a"}])"),
      "DATA-RECORD-026", "use null for text-only");
  for (const char* image : {"5", "{}", "\"\"", "[]", "[5]", "true"})
    bad(with(R"("image": )" + std::string(image)), "DATA-RECORD-027", "file name");
  bad(with(R"("image": ["1","2","3","4","5","6","7","8","9"])"), "DATA-RECORD-029", "--max_num_image_per_sample");
  bad(with(R"("image": ")" + std::string(5000, 'a') + "\""), "DATA-PATH-006", "too-long");
  bad("[{\"id\": 1, \"image\": null}]", "DATA-RECORD-030", "`conversations` is missing");
  bad(talk("5"), "DATA-RECORD-030", "number");
  bad(talk("[]"), "DATA-RECORD-031", "$[0].conversations");
  bad(talk(R"([{"from": "system", "value": "s"}])"), "DATA-RECORD-031", "a human turn and a gpt turn");
}

TEST_CASE("turns must alternate and say something") {
  bad(talk(R"([{"from": "human", "value": "q"}])"), "DATA-RECORD-032", "turn 0 from human has no reply");
  bad(talk(R"([{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}, {"from": "human", "value": "q"}])"),
      "DATA-RECORD-032", "turn 2 from human has no reply");
  bad(talk(R"([{"from": "gpt", "value": "a"}, {"from": "human", "value": "q"}])"), "DATA-RECORD-034",
      "start with human");
  bad(talk(R"([{"from": "human", "value": "q"}, {"from": "tool", "value": "a"}])"), "DATA-RECORD-034", "\"tool\"");
  bad(talk(R"([{"from": "human", "value": "q"}, {"from": "system", "value": "a"}])"), "DATA-RECORD-034", "alternate");
  bad(talk(R"([{"role": "user", "content": "q"}])"), "DATA-RECORD-034", "\"from\"");
  bad(talk(R"(["q", "a"])"), "DATA-RECORD-034", "$[0].conversations[0]");
  bad(talk(R"([{"from": "human"}, {"from": "gpt", "value": "a"}])"), "DATA-RECORD-035", ".conversations[0].value");
  bad(talk(R"([{"from": "human", "value": "q"}, {"from": "gpt", "value": 5}])"), "DATA-RECORD-035",
      ".conversations[1].value");
  bad(talk(R"([{"from": "human", "value": "q"}, {"from": "gpt", "value": ""}])"), "DATA-RECORD-036",
      "no target tokens");
  const std::string two = R"([{"from": "human", "value": "<image><image>"}, {"from": "gpt", "value": "a"}])";
  bad(with(R"("image": "a", "conversations": )" + two), "DATA-IMG-004", "2 marks");
  bad(talk(R"([{"from": "human", "value": "<image>"}, {"from": "gpt", "value": "a"}])"), "DATA-IMG-004", "0 marks");
}

TEST_CASE("a record without an id has its number") {
  const auto out = read_data_text("[{\"conversations\": " + turns + "},\n{\"conversations\": " + turns + "}]");
  REQUIRE(out.good.size() == 2);
  CHECK(out.good[0].id == "0");
  CHECK(out.good[1].id == "1");
}

namespace {

// The one record of a text, without its place: its system text, its turns, its images.
std::string shape(const std::string& text) {
  const auto out = read_data_text(text);
  if (out.good.size() != 1) return out.told();
  const data::Record& r = out.good[0];
  std::string all = r.conversation.has_system ? "s:" + r.conversation.system + " " : "";
  for (const data::Turn& t : r.conversation.turns) all += "q:" + t.question + " a:" + t.answer + " ";
  for (const std::string& name : r.images) all += "i:" + name + " ";
  return all;
}

}  // namespace

TEST_CASE("ShareGPT lists are read: no id, images beside, a system text") {
  CHECK(shape(R"([{"conversations": [{"from": "human", "value": "<image>q"}, {"from": "gpt", "value": "a"}],
                   "images": ["x.png"], "system": "S", "tools": ""}])") == "s:S q:<image>q a:a i:x.png ");
  CHECK(
      shape(R"([{"images": [], "conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]}])") ==
      "q:q a:a ");
  CHECK_THAT(shape(R"([{"conversations": [{"from": "human", "value": "q"}, {"from": "observation", "value": "a"}]}])"),
             Contains("DATA-RECORD-034"));
}

TEST_CASE("messages are read, with text or parts, images beside or in their parts") {
  const std::string answer = R"({"role": "assistant", "content": "a"}]})";
  CHECK(shape(R"({"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "q"}, )" + answer) ==
        "s:S q:q a:a ");
  CHECK(shape(R"([{"messages": [{"role": "user", "content": "<image>q"}, )" + answer.substr(0, answer.size() - 1) +
              R"(, "images": ["x.png"]}])") == "q:<image>q a:a i:x.png ");
  CHECK(
      shape(
          R"([{"images": [{"path": "x.png", "bytes": null}], "messages": [{"role": "user", "content": "<image>q"}, )" +
          answer + "]") == "q:<image>q a:a i:x.png ");
  CHECK(shape(R"([{"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x.png"}},
                   {"type": "text", "text": "q"}, {"type": "image", "image": "y.png"}, "r"]}, )" +
              answer + "]") == "q:<image>q<image>r a:a i:x.png i:y.png ");
  CHECK(shape(R"([{"images": ["x.png"], "messages": [{"role": "user", "content": [{"type": "image"},
                   {"text": "q", "type": "text"}]},
                   {"role": "assistant", "content": [{"type": "text", "text": "a"}]}]}])") ==
        "q:<image>q a:a i:x.png ");
  CHECK_THAT(shape(R"([{"messages": [{"role": "user", "content": [{"type": "video"}]}, )" + answer + "]"),
             Contains("DATA-RECORD-038") && Contains("\"video\"") && Contains(".messages[0].content[0].type"));
  CHECK_THAT(
      shape(R"([{"images": ["x.png"], "messages": [{"role": "user", "content": [{"type": "image", "image": "y.png"}
                        ]}, )" +
            answer + "]"),
      Contains("DATA-IMG-004") && Contains("1 parts with a name"));
  CHECK_THAT(shape(R"([{"messages": [{"role": "user", "content": "<image>q"}, )" + answer + "]"),
             Contains("DATA-RECORD-026"));
  CHECK_THAT(shape(R"([{"img": "x.png", "messages": [{"role": "user", "content": "q"}, )" + answer + "]"),
             Contains("DATA-RECORD-026") && Contains("\"img\""));
  CHECK_THAT(shape(R"([{"messages": [{"role": "user", "content": "q"}]}])"), Contains("turn 0 from user has no reply"));
  CHECK_THAT(shape(R"([{"messages": [{"from": "user", "value": "q"}]}])"), Contains("`role` is missing"));
  CHECK_THAT(
      shape(R"([{"conversations": )" + turns + R"(, "messages": [{"role": "user", "content": "q"}, )" + answer + "]"),
      Contains("DATA-RECORD-039"));
}

TEST_CASE("alpaca records are read, with input, system text, history and pictures") {
  CHECK(shape(R"([{"instruction": "q", "input": "", "output": "a"}])") == "q:q a:a ");
  CHECK(shape(R"([{"instruction": "q", "input": "i", "output": "a", "system": "S", "history": [["p", "b"]],
                   "images": ["x.png"]}])") == "s:S q:p a:b q:q\ni a:a i:x.png ");
  CHECK_THAT(shape(R"([{"instruction": "q", "input": "", "output": ""}])"), Contains("DATA-RECORD-036"));
  CHECK_THAT(shape(R"([{"instruction": "q"}])"), Contains("`output` is missing"));
  CHECK_THAT(shape(R"([{"instruction": "q", "output": 5}])"), Contains("`output` is no text"));
  CHECK_THAT(shape(R"([{"instruction": "q", "output": "a", "history": [["p"]]}])"), Contains("`history` is no list"));
  CHECK(shape(with(R"("image": null, "instruction": 5, "output": {}, "system": "")")) == "q:q a:a ");
}

TEST_CASE("a file holds records of one form; the first two lines may be without a conversation") {
  const std::string message =
      R"({"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]})";
  const auto lines = read_data_text(message + "\n" + message + "\n");
  CHECK(lines.good.size() == 2);
  refused("[" + good + ",\n" + message + "]", "DATA-FILE-014", "`conversations`, as at ", "x.json:2:1");
  refused(message + "\n" + R"({"instruction": "q", "output": "a"})", "DATA-FILE-014", "`alpaca`", "x.json:2:1");
  const auto none = read_data_text("{\"a\": 1}\n{\"b\": 1}");
  CHECK(none.bad == 2);
  CHECK(none.faults.at(0).code() == "DATA-RECORD-030");
}

TEST_CASE("sizes have limits") {
  data::RecordLimits small;
  small.text_bytes = 10, small.turns = 4, small.record_bytes = 400, small.keys = 5;
  const std::string q = R"({"from": "human", "value": "q"})", a = R"({"from": "gpt", "value": "a"})";
  bad(talk(R"([{"from": "human", "value": "0123456789x"}, {"from": "gpt", "value": "a"}])"), "DATA-RECORD-037",
      "at most 10", small);
  bad(talk("[" + q + "," + a + "," + q + "," + a + "," + q + "," + a + "]"), "DATA-RECORD-032", "at most 4", small);
  bad(with(R"("x": ")" + std::string(500, ' ') + R"(", "image": null)"), "DATA-RECORD-037", "at most 400 bytes", small);
  bad(with(R"("1": 1, "2": 2, "3": 3, "4": 4, "5": 5, "6": 6)"), "DATA-RECORD-022", "too many keys", small);
  accepted(
      talk(R"([{"from": "human", "value": ")" + std::string(8 << 20, 'a') + R"("}, {"from": "gpt", "value": "a"}])"),
      0);
  bad(talk(R"([{"from": "human", "value": ")" + std::string((8 << 20) + 1, 'a') +
           R"("}, {"from": "gpt", "value": "a"}])"),
      "DATA-RECORD-037", "8388609 bytes");
}

TEST_CASE("good records after a bad one are kept, and places are right") {
  const auto out = read_data_text("[\n" + record("a") + ",\n {\"id\": 5},\n3, 4,\n" + record("b") + "\n]");
  CHECK(out.records == 5);
  CHECK(out.bad == 3);
  REQUIRE(out.good.size() == 2);
  CHECK(out.good[1].id == "b");
  CHECK(out.good[1].place.index == 4);
  CHECK(out.good[1].place.line == 5);
  REQUIRE(out.bad_records.size() == 2);
  CHECK(out.bad_records[0].id == "5");
  CHECK_THAT(out.faults[0].place(), Contains("x.json:3:") && Contains("(id \"5\")"));
  CHECK(out.bad_records[1].count == 2);
  CHECK(out.bad_records[1].place.index == 2);
}

TEST_CASE("a damaged data set is refused, or all its good records are sound", "[fuzz]") {
  const std::string seed = "[" + record("a") + ",\n" + record("b", "null", "hi") + "," +
                           record("c", "[\"1.png\", \"2.png\"]", "<image>x<image>") + "]";
  const std::string pieces[] = {"<image>", "null", "\"from\"", "{", "[", "\"", ",", "\\u0000", "gpt", "5", "]", "}"};
  std::mt19937 random(11);
  int refusals = 0, faults = 0;
  for (int round = 0; round < 4000; ++round) {
    std::string text = seed;
    for (unsigned edits = 1 + random() % 3; edits-- > 0;) {
      const std::size_t at = random() % text.size(), from = random() % text.size();
      if (random() % 3 == 0) text.erase(at, 1 + random() % 20);
      else if (random() % 2 == 0) text.insert(at, text.substr(from, random() % 60));
      else text.insert(at, pieces[random() % std::size(pieces)]);
    }
    const auto out = read_data_text(text);
    INFO(text);
    refusals += !out.fatal.code().empty(), faults += out.bad > 0;
    if (out.fatal.code().empty()) REQUIRE(out.records == Index(out.good.size()) + out.bad);
    for (const data::Record& r : out.good) {
      REQUIRE(!r.conversation.turns.empty());
      REQUIRE(r.images.size() <= 8);
      REQUIRE(r.conversation.images == r.images.size());
      for (const data::Turn& t : r.conversation.turns) REQUIRE(!t.answer.empty());
      for (const std::string& name : r.images) REQUIRE((!name.empty() && name.find('\0') == std::string::npos));
      REQUIRE_NOTHROW(data::place_images(r.conversation));
    }
  }
  CHECK(refusals > 500);
  CHECK(faults > 100);
}
