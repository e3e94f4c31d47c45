// Damaged and unsupported tokenizer files: what is wrong, where, and with which code.
#include <vlt/text/read_tokenizer_json.hpp>

#include "text_samples.hpp"

namespace {

const std::string good = R"({"version":"1.0","added_tokens":[{"id":3,"content":"<s>","special":true}],
"normalizer":null,
"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"use_regex":true},
"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},
{"Sequence":{"id":"A","type_id":0}}],"pair":[],"special_tokens":{"<s>":{"id":"<s>","ids":[3],"tokens":["<s>"]}}},
"decoder":{"type":"ByteLevel"},
"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}})";
const std::string split_step = R"({"type":"ByteLevel","add_prefix_space":false,"use_regex":true})";

void load(const std::string& json) {
  const auto value = vlt::parse_json(json, "t.json");
  const vlt::text::Tokenizer tokenizer(vlt::text::read_tokenizer(value, "t.json"));
}
std::string with(const std::string& from, const std::string& to) {
  std::string s = good;
  REQUIRE(s.find(from) != s.npos);
  return s.replace(s.find(from), from.size(), to);
}
// The complaint is of this code, names the file, and says this word.
void refused(const std::string& json, const std::string& code, const std::string& saying) {
  const auto c = vlt_test::complaint_of([&] { load(json); }, vlt::ExitCode::model);
  CAPTURE(c.what(), c.place(), c.expected(), c.found());
  CHECK(c.code() == "MODEL-" + code);
  CHECK(c.place().find("t.json") == 0);
  CHECK((c.what() + "\n" + c.place() + "\n" + c.expected() + "\n" + c.found()).find(saying) != std::string::npos);
}
void refused(const std::string& from, const std::string& to, const std::string& code, const std::string& saying) {
  CAPTURE(from, to);
  refused(with(from, to), code, saying);
}

}  // namespace

TEST_CASE("odd but correct tokenizer files load", "[text]") {
  CHECK_NOTHROW(load(good));
  CHECK_NOTHROW(load(with(R"(["a b"])", R"([["a","b"]])")));  // T09
  CHECK_NOTHROW(load(with(R"("ab":2)", R"("ab":7)")));        // T05
}

TEST_CASE("damaged tokenizer files are refused", "[text]") {
  for (const std::size_t cut : {std::size_t(0), std::size_t(1), good.size() / 8, good.size() / 2, good.size() - 1})
    refused(good.substr(0, cut), "JSON-001", "t.json");
  refused(good + "x", "JSON-001", "t.json");
  refused(std::string(100, '[') + std::string(100, ']'), "JSON-001", "nesting");
  refused("[]", "JSON-002", "object");
  refused("{}", "JSON-003", "model");
  refused("\"a\":0", "\"a\xff\":0", "JSON-001", "t.json");
}

TEST_CASE("ids that make no vocabulary are refused", "[text]") {
  refused(R"("ab":2)", R"("ab":1)", "TOK-004", "same id 1");
  refused(R"("ab":2)", R"("ab":-1)", "JSON-002", "0 to 2147483647");
  refused(R"("ab":2)", R"("ab":2147483648)", "JSON-002", "ab");
  refused(R"("ab":2)", R"("ab":1.5)", "JSON-002", "1.5");
  refused(R"("ab":2)", R"("ab":2000000000)", "TOK-006", "2000000000");
  refused(R"("content":"<s>")", R"("content":"a")", "TOK-014", "id 0");
  refused(R"("content":"<s>")", R"("content":"")", "TOK-014", "empty");
  refused(R"([{"id":3)", R"([{"id":3,"content":"<s>"},{"id":3)", "TOK-014", "twice");
  const std::string elsewhere = with(R"([{"id":3)", R"([{"id":10)"), ids = R"("ids":[3])";
  refused(std::string(elsewhere).replace(elsewhere.find(ids), ids.size(), R"("ids":[10])"), "TOK-014", "id 10");
  refused(R"("ab":2)", R"("ab":7,"c":8,"d":9)", "TOK-014", "id 5");
  refused(R"("tokens":["<s>"])", R"("tokens":["<t>"])", "TOK-015", "<t>");
}

TEST_CASE("merges must fit the vocabulary", "[text]") {
  refused("a b", "a c", "TOK-007", "merges[0]");
  refused("a b", "a b b", "TOK-008", "a b b");
  refused("a b", "ab", "TOK-008", "two parts");
  refused("a b", "b a", "TOK-010", "\"ba\"");
}

TEST_CASE("a vocabulary and a split expression have limits", "[text]") {
  const auto value = vlt::parse_json(
      with(split_step, R"({"type":"Split","pattern":{"Regex":"abc"},"behavior":"Isolated"})"), "t.json");
  const auto read = [&](const vlt::ReadLimits& limits) { vlt::text::read_tokenizer(value, "t.json", limits); };
  vlt::ReadLimits limits;
  limits.vocabulary = 4, limits.split_bytes = 3;
  CHECK_NOTHROW(read(limits));
  limits.vocabulary = 3;  // <s> has id 3
  const auto id = vlt_test::complaint_of([&] { read(limits); }, vlt::ExitCode::model);
  CHECK(id.code() == "MODEL-TOK-006");
  CHECK(id.place() == "t.json: $.added_tokens[0].id");
  CHECK(id.help().find("--limit_vocabulary") != id.help().npos);
  limits.vocabulary = 4, limits.split_bytes = 2;
  const auto split = vlt_test::complaint_of([&] { read(limits); }, vlt::ExitCode::model);
  CHECK(split.code() == "MODEL-TOK-011");
  CHECK(split.expected() == "at most 2 bytes");
  CHECK(split.help().find("--limit_split_bytes") != split.help().npos);
  CHECK(vlt::ReadLimits{}.vocabulary == 4194304);
  CHECK(vlt::ReadLimits{}.split_bytes == 4096);
}

TEST_CASE("what cannot be done exactly is refused by name", "[text]") {
  refused(R"("type":"BPE")", R"("type":"Unigram")", "TOK-003", "Unigram");
  const auto split = [](const std::string& pattern) {
    return R"({"type":"Split","pattern":{"Regex":")" + pattern + R"("},"behavior":"Isolated","invert":false})";
  };
  for (const char* regex : {"(a+)+$", "(", "(?R)", "(?<=a*)b"}) refused(split_step, split(regex), "TOK-011", regex);
  refused(split_step, R"({"type":"Split","pattern":{"String":""},"behavior":"Isolated"})", "TOK-011", "empty");
  refused(split_step, R"({"type":"Split","pattern":{"String":"a"},"behavior":"Odd"})", "TOK-015", "Odd");
  refused(split_step, R"({"type":"Whitespace"})", "TOK-015", "Whitespace");
  const std::string twice = R"({"type":"Sequence","pretokenizers":[)" + split_step + "," + split_step + "]}";
  refused(split_step, twice, "TOK-015", "after ByteLevel");
  refused(R"("normalizer":null)", R"("normalizer":{"type":"Lowercase"})", "TOK-015", "Lowercase");
  refused(R"("decoder":{"type":"ByteLevel"})", R"("decoder":{"type":"WordPiece"})", "TOK-015", "WordPiece");
  refused(R"("type":"TemplateProcessing")", R"("type":"BertProcessing")", "TOK-015", "BertProcessing");
  refused(R"("merges":["a b"])", R"("dropout":0.1,"merges":["a b"])", "TOK-003", "dropout");
  refused(R"("merges":["a b"])", R"("end_of_word_suffix":"</w>","merges":["a b"])", "TOK-003", "end_of_word_suffix");
}

// A file whose normalizer is a row of these.
std::string normalized_by(const std::string& step, int times) {
  std::string steps = step;
  for (int i = 1; i < times; ++i) steps += "," + step;
  return with(R"("normalizer":null)", R"("normalizer":{"type":"Sequence","normalizers":[)" + steps + "]}");
}

TEST_CASE("a tokenizer cannot make a text grow without bound", "[text]") {
  const std::string doubling = R"({"type":"Replace","pattern":{"String":"a"},"content":"aa"})";
  const auto encode = [](const std::string& json, const std::string& text) {
    const vlt::text::Tokenizer tokenizer(vlt::text::read_tokenizer(vlt::parse_json(json, "t.json"), "t.json"));
    return vlt::text::Encoder(tokenizer).encode(text).ids.size();
  };
  const auto grows = [&](const std::string& json, const std::string& text) {
    return vlt_test::complaint_of([&] { encode(json, text); }, vlt::ExitCode::model).code();
  };
  const std::string words(1000, 'a');
  CHECK(encode(normalized_by(doubling, 4), words) > 16000);
  CHECK(grows(normalized_by(doubling, 30), words) == "MODEL-TOK-021");
  CHECK(grows(normalized_by(R"({"type":"Prepend","prepend":")" + std::string(30000, 'b') + "\"}", 1), words) ==
        "MODEL-TOK-021");
  refused(normalized_by(doubling, 65), "TOK-015", "at most 64");
  const std::string doubled = R"({"type":"Replace","pattern":{"String":"b"},"content":"bb"})";
  std::string decoders = doubled;
  for (int i = 1; i < 30; ++i) decoders += "," + doubled;
  const auto value = vlt::parse_json(
      with(R"("decoder":{"type":"ByteLevel"})", R"("decoder":{"type":"Sequence","decoders":[)" + decoders + "]}"), "t");
  const vlt::text::Tokenizer decoding(vlt::text::read_tokenizer(value, "t"));
  const std::vector<std::int32_t> ids(100, 1);
  CHECK(vlt_test::complaint_of([&] { decoding.decode(ids); }, vlt::ExitCode::model).code() == "MODEL-TOK-021");
}

TEST_CASE("a post-processor gives its tokens their own ids", "[text]") {
  refused(R"("ids":[3])", R"("ids":[2])", "TOK-015", "another id");
  refused(R"("ids":[3])", R"("ids":[])", "JSON-003", "too short");
  CHECK_NOTHROW(load(with(R"("ids":[3],)", "")));
}

TEST_CASE("a blank is written as one character", "[text]") {
  const auto marked = [](const std::string& mark) {
    return with(R"({"type":"ByteLevel"})", R"({"type":"Metaspace","replacement":")" + mark + R"("})");
  };
  CHECK_NOTHROW(load(marked("\u2581")));
  for (const char* mark : {"", "__"}) refused(marked(mark), "JSON-004", "one character");
}

TEST_CASE("bytes need their tokens", "[text]") {
  refused(R"("merges":["a b"])", R"("byte_fallback":true,"merges":["a b"])", "TOK-016", "ByteLevel");
  std::string metaspace = with(R"("merges":["a b"])", R"("byte_fallback":true,"merges":["a b"])");
  const std::string step = R"({"type":"Metaspace","replacement":"_"})";
  metaspace.replace(metaspace.find(split_step), split_step.size(), step);
  refused(metaspace, "TOK-016", "<0x00> is missing");
  refused(R"("merges":["a b"])", R"("unk_token":"?","merges":["a b"])", "TOK-007", "unk_token");
}
