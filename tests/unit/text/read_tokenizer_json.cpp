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
  refused("a b", "a  b", "TOK-008", "a  b");
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
  const auto unknown = vlt_test::complaint_of(
      [] { load(with(R"("normalizer":null)", R"("normalizer":{"type":"Lowercase"})")); }, vlt::ExitCode::model);
  CHECK(unknown.code() == "MODEL-TOK-015");
  CHECK(unknown.place() == "t.json: $.normalizer");
  CHECK(unknown.expected() == "Prepend, Replace or NFC");
  CHECK(unknown.found() == "\"Lowercase\"");
  refused(R"("decoder":{"type":"ByteLevel"})", R"("decoder":{"type":"WordPiece"})", "TOK-015", "WordPiece");
  refused(R"("type":"TemplateProcessing")", R"("type":"BertProcessing")", "TOK-015", "BertProcessing");
  refused(R"("merges":["a b"])", R"("dropout":0.1,"merges":["a b"])", "TOK-003", "dropout");
  refused(R"("merges":["a b"])", R"("end_of_word_suffix":"</w>","merges":["a b"])", "TOK-003", "end_of_word_suffix");
}

namespace {

using File = vlt::text::TokenizerFile;

File read(const std::string& json) { return vlt::text::read_tokenizer(vlt::parse_json(json, "t.json"), "t.json"); }
File read(const std::string& from, const std::string& to) { return read(with(from, to)); }

// The settings of a pre-tokenizer of type Kind.
template <class Kind> Kind step(const std::string& json) {
  const File file = read(split_step, json);
  REQUIRE(file.pre_tokenizers.size() == 1);
  return std::get<Kind>(file.pre_tokenizers[0]);
}

}  // namespace

TEST_CASE("the model and the added tokens of a file are read", "[text]") {
  using Merges = std::vector<std::array<std::string, 2>>;
  const File file = read(good);
  CHECK(file.name == "t.json");
  CHECK(file.model.vocab == std::vector<std::pair<std::string, std::int32_t>>{{"a", 0}, {"b", 1}, {"ab", 2}});
  CHECK(file.model.merges == Merges{{{"a", "b"}}});
  CHECK(file.model.unk_token.empty());
  CHECK(file.normalizers.empty());
  CHECK(read(R"("merges")", R"("unk_token":"b","merges")").model.unk_token == "b");
  CHECK(read(R"(["a b"])", R"([["b","a"],"a b"])").model.merges == Merges{{{"b", "a"}}, {{"a", "b"}}});
  refused(R"(["a b"])", R"([["a","b","ab"]])", "JSON-002", "merges[0]");
  using Flags = std::vector<bool>;
  const auto model_flags = [](const std::string& setting) {
    const File::Model m = read(R"("merges")", setting + R"("merges")").model;
    return Flags{m.byte_fallback, m.fuse_unk, m.ignore_merges};
  };
  CHECK(model_flags("") == Flags{false, false, false});
  CHECK(model_flags(R"("byte_fallback":true,)") == Flags{true, false, false});
  CHECK(model_flags(R"("fuse_unk":true,)") == Flags{false, true, false});
  CHECK(model_flags(R"("ignore_merges":true,)") == Flags{false, false, true});
  CHECK_NOTHROW(
      load(with(R"("type":"BPE",)", R"("dropout":0,"continuing_subword_prefix":"","end_of_word_suffix":"",)")));
  refused(R"("merges")", R"("continuing_subword_prefix":"##","merges")", "TOK-003", "continuing_subword_prefix");
  const auto token_flags = [](const std::string& setting) {
    const File::AddedToken t = read(R"(,"special":true)", setting).added.at(0);
    CHECK(t.id == 3);
    CHECK(t.content == "<s>");
    return Flags{t.single_word, t.lstrip, t.rstrip, t.normalized, t.special};
  };
  CHECK(token_flags("") == Flags{false, false, false, true, false});
  CHECK(token_flags(R"(,"single_word":true)") == Flags{true, false, false, true, false});
  CHECK(token_flags(R"(,"lstrip":true)") == Flags{false, true, false, true, false});
  CHECK(token_flags(R"(,"rstrip":true)") == Flags{false, false, true, true, false});
  CHECK(token_flags(R"(,"normalized":false)") == Flags{false, false, false, false, false});
  CHECK(token_flags(R"(,"special":true)") == Flags{false, false, false, true, true});
  CHECK(read(R"("added_tokens")", R"("others")").added.empty());
}

TEST_CASE("what rewrites a text is read", "[text]") {
  const std::string step = R"({"type":"Prepend","prepend":"_"})";
  const std::string replace = R"({"type":"Replace","pattern":{"String":" "},"content":"-"})";
  const File one = read(R"("normalizer":null)", R"("normalizer":)" + step);
  REQUIRE(one.normalizers.size() == 1);
  CHECK(std::get<File::Prepend>(one.normalizers[0]).text == "_");
  const std::string inner = R"({"type":"Sequence","normalizers":[)" + replace + R"(,{"type":"NFC"}]})";
  const File row =
      read(R"("normalizer":null)", R"("normalizer":{"type":"Sequence","normalizers":[)" + inner + "," + step + "]}");
  REQUIRE(row.normalizers.size() == 3);
  CHECK(std::get<File::Replace>(row.normalizers[0]).from == " ");
  CHECK(std::get<File::Replace>(row.normalizers[0]).to == "-");
  CHECK(std::holds_alternative<File::Nfc>(row.normalizers[1]));
  CHECK(std::holds_alternative<File::Prepend>(row.normalizers[2]));
  refused(R"("normalizer":null)", R"("normalizer":{"type":"Replace","pattern":{"Regex":" "},"content":"-"})", "TOK-015",
          "a regular expression");
}

TEST_CASE("what splits a text is read", "[text]") {
  using Scheme = File::PrependScheme;
  const auto byte_level = step<File::ByteLevel>(R"({"type":"ByteLevel"})");
  CHECK((byte_level.add_prefix_space && byte_level.use_regex));
  CHECK_FALSE(step<File::ByteLevel>(R"({"type":"ByteLevel","add_prefix_space":false})").add_prefix_space);
  CHECK_FALSE(step<File::ByteLevel>(R"({"type":"ByteLevel","use_regex":false})").use_regex);
  CHECK_FALSE(step<File::Digits>(R"({"type":"Digits"})").individual);
  CHECK(step<File::Digits>(R"({"type":"Digits","individual_digits":true})").individual);
  const auto metaspace = [](const std::string& settings) {
    return step<File::Metaspace>(R"({"type":"Metaspace","replacement":"_")" + settings + "}");
  };
  CHECK(metaspace("").replacement == "_");
  CHECK(metaspace("").split);
  CHECK_FALSE(metaspace(R"(,"split":false)").split);
  CHECK(metaspace("").scheme == Scheme::always);
  CHECK(metaspace(R"(,"prepend_scheme":"always")").scheme == Scheme::always);
  CHECK(metaspace(R"(,"prepend_scheme":"first")").scheme == Scheme::first);
  CHECK(metaspace(R"(,"prepend_scheme":"first","add_prefix_space":true)").scheme == Scheme::first);
  CHECK(metaspace(R"(,"prepend_scheme":"never")").scheme == Scheme::never);
  CHECK(metaspace(R"(,"add_prefix_space":false)").scheme == Scheme::never);
  CHECK(metaspace(R"(,"prepend_scheme":"never","add_prefix_space":false)").scheme == Scheme::never);
  for (const char* wrong : {R"("first","add_prefix_space":false)", R"("always","add_prefix_space":false)"})
    refused(split_step, R"({"type":"Metaspace","replacement":"_","prepend_scheme":)" + std::string(wrong) + "}",
            "TOK-015", "contradicts");
  refused(split_step, R"({"type":"Metaspace","replacement":"_","prepend_scheme":"odd"})", "TOK-015", "odd");
  const std::pair<const char*, File::Behavior> behaviors[] = {
      {"Removed", File::Behavior::removed},
      {"Isolated", File::Behavior::isolated},
      {"MergedWithPrevious", File::Behavior::merged_with_previous},
      {"MergedWithNext", File::Behavior::merged_with_next},
      {"Contiguous", File::Behavior::contiguous}};
  for (const auto& [name, behavior] : behaviors) {
    const auto split =
        step<File::Split>(R"({"type":"Split","pattern":{"String":"x"},"behavior":")" + std::string(name) + "\"}");
    CHECK(split.behavior == behavior);
    CHECK(split.pattern == "x");
    CHECK_FALSE(split.is_regex);
    CHECK_FALSE(split.invert);
  }
  const auto split =
      step<File::Split>(R"({"type":"Split","pattern":{"Regex":"\\s+"},"behavior":"Removed","invert":true})");
  CHECK(split.pattern == "\\s+");
  CHECK((split.is_regex && split.invert));
}

TEST_CASE("what makes a text of tokens is read", "[text]") {
  const File file = read(R"("decoder":{"type":"ByteLevel"})", R"("decoder":{"type":"Sequence","decoders":[
{"type":"Replace","pattern":{"String":"_"},"content":" "},{"type":"ByteFallback"},{"type":"Fuse"},
{"type":"Strip","content":"x","start":2,"stop":1},{"type":"Metaspace","replacement":"-","prepend_scheme":"first"},
{"type":"ByteLevel"}]})");
  REQUIRE(file.decoders.size() == 6);
  CHECK(std::get<File::Replace>(file.decoders[0]).from == "_");
  CHECK(std::get<File::Replace>(file.decoders[0]).to == " ");
  CHECK(std::holds_alternative<File::ByteFallback>(file.decoders[1]));
  CHECK(std::holds_alternative<File::Fuse>(file.decoders[2]));
  const auto& strip = std::get<File::Strip>(file.decoders[3]);
  CHECK(strip.content == "x");
  CHECK((strip.start == 2 && strip.stop == 1));
  CHECK(std::get<File::Metaspace>(file.decoders[4]).replacement == "-");
  CHECK(std::get<File::Metaspace>(file.decoders[4]).scheme == File::PrependScheme::first);
  CHECK(std::holds_alternative<File::ByteLevel>(file.decoders[5]));
}

TEST_CASE("the tokens around a text are read", "[text]") {
  using Names = std::vector<std::string>;
  const std::string begin = R"({"type":"TemplateProcessing","single":[)", text = R"({"Sequence":{"id":"A"}})";
  const auto special = [](const char* name) { return R"({"SpecialToken":{"id":")" + std::string(name) + "\"}}"; };
  const std::string tokens =
      R"(],"special_tokens":{"x":{"ids":[0],"tokens":["a"]},"y":{"ids":[1,2],"tokens":["b","ab"]}}})";
  const std::string given = good.substr(good.find(R"({"type":"TemplateProcessing")"),
                                        good.find("\"decoder\"") - 2 - good.find(R"({"type":"TemplateProcessing")"));
  const auto around = [&](const std::string& processor) { return read(given, processor); };
  const auto row = [](const std::string& a, const std::string& b) {
    return R"({"type":"Sequence","processors":[)" + a + "," + b + "]}";
  };
  CHECK(read(good).before == Names{"<s>"});
  CHECK(read(good).after.empty());
  const File both = around(begin + special("x") + "," + text + "," + special("y") + tokens);
  CHECK(both.before == Names{"a"});
  CHECK(both.after == Names{"b", "ab"});
  const std::string first = begin + special("y") + "," + text + tokens,
                    last = begin + text + "," + special("y") + tokens;
  CHECK(around(first).before == Names{"b", "ab"});
  CHECK(around(last).after == Names{"b", "ab"});
  CHECK(around(last).before.empty());
  CHECK(around(R"({"type":"ByteLevel"})").before.empty());
  CHECK(around(row(R"({"type":"ByteLevel"})", last)).after == Names{"b", "ab"});
  refused(given, begin + special("x") + tokens, "TOK-015", "0 times");
  refused(given, begin + text + "," + text + tokens, "TOK-015", "2 times");
  for (const std::string& p : {first, last}) refused(given, row(p, first), "TOK-015", "2 times");
  // An id that the file gives a token of the vocabulary or an added one, which comes before the vocabulary's.
  refused(given, begin + special("x") + "," + text + R"(],"special_tokens":{"x":{"ids":[1],"tokens":["a"]}}})",
          "TOK-015", "another id");
  CHECK_NOTHROW(read(R"("tokens":["<s>"])", R"("tokens":["<t>"])"));
  const std::string twice = with(R"("content":"<s>")", R"("content":"a")"), named = R"("tokens":["<s>"])";
  CHECK_NOTHROW(read(std::string(twice).replace(twice.find(named), named.size(), R"("tokens":["a"])")));
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
  CHECK_NOTHROW(load(normalized_by(doubling, 64)));
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
