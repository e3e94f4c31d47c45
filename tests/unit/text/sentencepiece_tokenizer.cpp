// tokenizer.model: ids and offsets against sentencepiece's own (tests/golden/text/make_sentencepiece.py), damaged
// files.
#include <filesystem>
#include <limits>
#include <vlt/io/file.hpp>
#include <vlt/io/json.hpp>
#include "sentencepiece_samples.hpp"
#include "text_samples.hpp"

namespace {

using namespace vlt_test;

std::string unhex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) bytes += char(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

std::vector<std::int32_t> ids(const vlt::text::Tokenizer& t, std::string_view text) {
  return vlt::text::Encoder(t).encode(text, {.split_special_tokens = true}).ids;
}
std::vector<std::int32_t> ids(const ModelBytes& model, std::string_view text) {
  return ids(vlt::text::Tokenizer(sentencepiece_file(model())), text);
}
using Ids = std::vector<std::int32_t>;

void refused(const std::string& bytes, const std::string& code, const std::string& saying) {
  const auto c = complaint_of([&] { vlt::text::Tokenizer t(sentencepiece_file(bytes)); }, vlt::ExitCode::model);
  CAPTURE(c.what(), c.place(), c.expected(), c.found());
  CHECK(c.code() == "MODEL-" + code);
  CHECK(c.place().find("t.model") == 0);
  CHECK((c.what() + "\n" + c.place() + "\n" + c.expected() + "\n" + c.found()).find(saying) != std::string::npos);
}
void refused(const ModelBytes& model, const std::string& code, const std::string& saying) {
  refused(model(), code, saying);
}
ModelBytes with(Piece piece) {
  ModelBytes m;
  m.pieces.push_back(std::move(piece));
  return m;
}
ModelBytes with_trainer(const std::string& trainer) {
  ModelBytes m;
  m.trainer = trainer;
  return m;
}
ModelBytes with_rules(const std::string& charsmap) {
  ModelBytes m;
  m.normalizer += bytes_field(2, charsmap);
  return m;
}
// One block of units that lead nowhere but for the root and those given, then one empty replacement.
std::string rules(std::vector<std::pair<std::size_t, std::uint32_t>> units) {
  std::string out("\0\4\0\0", 4);
  out += std::string(4, '\0');
  for (std::size_t i = 1; i < 256; ++i) out += std::string("\0\0\0\x80", 4);
  for (const auto& [at, unit] : units)
    for (std::size_t k = 0; k < 4; ++k) out[4 + 4 * at + k] = char(unit >> (8 * k));
  return out + '\0';
}

}  // namespace

TEST_CASE("encodings equal those of sentencepiece", "[text][golden]") {
  const std::string path = VLT_TEST_DIR "/golden/text/sentencepiece.json";
  const auto value = vlt::parse_json(vlt::read_whole_file(path, 1 << 20), path);
  const vlt::Json golden(value, "$"), texts = golden.at("texts"), models = golden.at("models");
  REQUIRE(models.array().size() == 3);
  REQUIRE(texts.array().size() == 78);
  for (std::size_t m = 0; m < 3; ++m) {
    const vlt::text::Tokenizer tokenizer(sentencepiece_file(unhex(models[m].at("model").string())));
    vlt::text::Encoder encoder(tokenizer);
    const vlt::Json wanted = models[m].at("ids"), offsets = models[m].at("offsets");
    for (std::size_t i = 0; i < 78; ++i) {
      CAPTURE(models[m].at("name").string(), i, texts[i].string());
      const vlt::text::Encoding e = encoder.encode(texts[i].string(), {.split_special_tokens = true});
      REQUIRE(e.ids.size() == wanted[i].array().size());
      for (std::size_t k = 0; k < e.ids.size(); ++k) {
        REQUIRE(e.ids[k] == wanted[i][k].index());
        REQUIRE(int(e.offsets[k].begin) == offsets[i][2 * k].index());
        REQUIRE(int(e.offsets[k].end) == offsets[i][2 * k + 1].index());
      }
    }
  }
}

TEST_CASE("pieces merge by score", "[text]") {
  ModelBytes m;
  CHECK(ids(m, "ab") == Ids{3, 7});  // "ab" before "_a"
  m.pieces[6].score = 0;
  CHECK(ids(m, "ab") == Ids{6, 5});
  CHECK(ids(m, "abcc<s>") == Ids{6, 5, 0});  // what is unknown is one token; a look-alike is text
  m.pieces[7].type = Type::unused;
  m.pieces[7].score = 1;
  CHECK(ids(m, "ab") == Ids{3, 4, 5});  // it merged, and fell apart
  m.pieces[7].type = Type::user_defined;
  CHECK(ids(m, "aab") == Ids{6, 7});
  m.pieces[7] = {"bc", 0, Type::normal};  // "c" itself is no piece
  CHECK(ids(m, "bc b") == Ids{3, 7, 3, 5});
}

TEST_CASE("sentencepiece's blanks", "[text]") {
  ModelBytes m;
  CHECK(ids(m, " a  ") == Ids{3, 6, 3, 3});
  CHECK(ids(m, "").empty());
  m.normalizer = number_field(3, 0) + number_field(4, 0);
  CHECK(ids(m, "a") == Ids{4});
  m.normalizer = "";  // as they are if the file is silent: one put first, runs collapsed
  CHECK(ids(m, "  a   b ") == Ids{6, 3, 5});
  CHECK(ids(m, "   ").empty());
  const vlt::text::Tokenizer t(sentencepiece_file(m()));
  const vlt::text::Encoding e = vlt::text::Encoder(t).encode("  a   b ");
  CHECK(e.offsets == std::vector<vlt::text::ByteRange>{{2, 3}, {3, 6}, {6, 7}});
  CHECK(t.decode(e.ids) == "a b");
}

TEST_CASE("rules for characters", "[text]") {
  // The root's children begin at unit 0; 'a' (unit 97) leads on to unit 96, whose value is the empty replacement.
  const std::uint32_t to_its_value = 1u << 10 | 1u << 8 | 'a';
  CHECK(ids(with_rules(rules({{97, to_its_value}, {96, 1u << 31}})), "bab") == Ids{3, 5, 5});
  refused(with_rules(rules({{97, to_its_value}, {96, 1u << 31 | 1}})), "TOK-020", "precompiled_charsmap");
  refused(with_rules(rules({{97, 300u << 10 | 'a'}})), "TOK-020", "lead nowhere");
  refused(with_rules(rules({{0, 300u << 10}})), "TOK-020", "lead nowhere");
  refused(with_rules("ab"), "TOK-020", "lead nowhere");
  refused(with_rules(rules({}).substr(0, 1028)), "TOK-020", "lead nowhere");
}

TEST_CASE("what a tokenizer.model says is read", "[text]") {
  const auto read = [](const ModelBytes& m) { return vlt::text::read_sentencepiece_model(m(), "t.model"); };
  ModelBytes bytes;
  const vlt::text::SentencePieceModel m = read(bytes);
  REQUIRE(m.pieces.size() == bytes.pieces.size());
  for (std::size_t i = 0; i < m.pieces.size(); ++i) {
    CHECK(m.pieces[i].text == bytes.pieces[i].text);
    CHECK(m.pieces[i].score == bytes.pieces[i].score);
    CHECK(m.pieces[i].type == bytes.pieces[i].type);
  }
  CHECK((m.bos == "<s>" && m.eos == "</s>" && m.unknown == "<unk>"));
  CHECK((m.add_dummy_prefix && !m.remove_extra_whitespaces && m.escape_whitespaces && !m.byte_fallback));
  CHECK(m.charsmap.empty());
  bytes.normalizer = number_field(3, 0) + number_field(5, 0) + bytes_field(2, "rules");
  const vlt::text::SentencePieceModel other = read(bytes);
  CHECK((!other.add_dummy_prefix && other.remove_extra_whitespaces && !other.escape_whitespaces));
  CHECK(other.charsmap == "rules");
  bytes.trainer += bytes_field(46, "a") + bytes_field(47, "b");
  CHECK((read(bytes).bos == "a" && read(bytes).eos == "b"));
  bytes.trainer += bytes_field(46, "x") + bytes_field(47, "y");  // which are no pieces
  CHECK((read(bytes).bos.empty() && read(bytes).eos.empty()));
  CHECK(read(with({std::string(1024, 'x'), 0, Type::normal})).pieces.size() == 9);
  CHECK(read(with({"cc", 0, Type::control})).pieces.size() == 9);
  CHECK(vlt::text::read_sentencepiece_model(ModelBytes{}() + bytes_field(5, bytes_field(2, "")), "t").pieces.size() ==
        8);
  ModelBytes all;
  all.trainer += number_field(35, 1);
  for (int byte = 0; byte < 256; ++byte) {
    char name[8];
    std::snprintf(name, sizeof name, "<0x%02X>", unsigned(byte));
    all.pieces.push_back({name, 0, Type::byte});
  }
  CHECK(read(all).byte_fallback);
  CHECK(ids(all, "\xc3\xa9") == Ids{3, 8 + 0xC3, 8 + 0xA9});
  all.pieces.pop_back();
  refused(all, "TOK-016", "255");
}

TEST_CASE("damaged and unsupported tokenizer.model files are refused", "[text]") {
  const std::string good = ModelBytes{}();
  CHECK_NOTHROW(sentencepiece_file(good));
  for (std::size_t k = 1; k < 20; ++k) {  // T18
    CAPTURE(k);
    CHECK_THROWS_AS(vlt::text::read_sentencepiece_model(good.substr(0, good.size() * k / 20), "t.model"), vlt::Error);
  }
  refused("", "TOK-020", "no pieces");
  refused(varint(1 << 3) + std::string(11, '\xff'), "TOK-020", "64 bits");  // T19
  refused(varint(1 << 3 | 2) + varint(1000) + "ab", "TOK-020", "beyond");
  refused(varint(1 << 3 | 2) + varint(std::numeric_limits<std::uint64_t>::max()) + "ab", "TOK-020", "beyond");
  for (const int group : {3, 4, 6, 7}) refused(varint(9 << 3 | group), "TOK-020", "unknown kind");
  refused(number_field(1, 5), "TOK-020", "another kind");
  refused(std::string(1, '\0') + good, "TOK-020", "impossible");
  refused(with({"c", std::numeric_limits<float>::quiet_NaN(), Type::normal}), "TOK-020", "nan");  // T20
  refused(with({"a", 0, Type::normal}), "TOK-020", "comes twice");
  refused(with({"", 0, Type::normal}), "TOK-020", "empty");
  refused(with({"\xff", 0, Type::normal}), "TOK-020", "UTF-8");
  refused(with({std::string(1025, 'x'), 0, Type::normal}), "TOK-020", "1024");
  for (const int type : {0, 7}) refused(with({"c", 0, Type(type)}), "TOK-020", "unknown type");
  refused(with({"\u00e9", 0, Type::control}), "TOK-015", "one character");
  refused(with({"c", 0, Type::unknown}), "TOK-020", "two unknown");
  refused(with({"c", 0, Type::control}), "TOK-015", "one character");
  ModelBytes known;
  known.pieces[0].type = Type::normal;
  refused(known, "TOK-020", "no unknown");
  refused(with({"<0x00>", 0, Type::byte}), "TOK-016", "no byte pieces");
  for (const char* name :
       {"<0xfF>", "<0xFf>", "<0xG0>", "<0x0@>", "<0x/0>", "<0x0:>", "<0x00]", "<0y00>", "<0x000>", "<0x0>"})
    refused(with({name, 0, Type::byte}), "TOK-016", "a piece for a byte does not name one");
  refused(with_trainer(number_field(3, 2) + number_field(35, 1)), "TOK-016", "<0xFF>");
  refused(with_trainer(""), "TOK-003", "Unigram");
  refused(with_trainer(number_field(3, 3)), "TOK-003", "Word");
  refused(with_trainer(number_field(3, 4)), "TOK-003", "Char");
  for (const char* kind : {"0", "5"}) refused(with_trainer(number_field(3, std::stoull(kind))), "TOK-003", kind);
  refused(with_trainer(number_field(3, 2) + number_field(24, 1)), "TOK-003", "suffix");
  refused(good + bytes_field(5, bytes_field(2, "x")), "TOK-015", "denormalizer");
  vlt::ReadLimits limits;
  limits.vocabulary = 8;
  CHECK_NOTHROW(vlt::text::read_sentencepiece_model(good, "t.model", limits));
  limits.vocabulary = 7;
  const auto c =
      complaint_of([&] { vlt::text::read_sentencepiece_model(good, "t.model", limits); }, vlt::ExitCode::model);
  CHECK(c.code() == "MODEL-TOK-006");
}

TEST_CASE("damaged tokenizer.model files never do harm", "[fuzz]") {
  std::mt19937 random(3);
  ModelBytes m;
  m.normalizer += bytes_field(2, rules({{97, 1u << 10 | 1u << 8 | 'a'}, {96, 1u << 31}}));
  const std::string good = m();
  int read = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string bytes = good;
    for (unsigned n = 1 + random() % 3; n > 0; --n) {
      // Most of the file are rules that lead nowhere: every other damage is done elsewhere.
      const std::size_t at =
          random() % 2 ? random() % bytes.size() : random() % std::min<std::size_t>(300, bytes.size());
      if (random() % 8 == 0) bytes.erase(at, 1 + random() % 20);
      else if (random() % 8 == 0) bytes.insert(at, bytes.substr(random() % bytes.size(), random() % 40));
      else bytes[at] = char(bytes[at] ^ (1 << random() % 8));
      if (bytes.empty()) bytes = "x";
    }
    try {
      const vlt::text::Tokenizer t(sentencepiece_file(bytes));
      const std::string text = random_text(random, 8) + "ab a";
      const vlt::text::Encoding e = vlt::text::Encoder(t).encode(text);
      for (const auto range : e.offsets) CHECK((range.begin <= range.end && range.end <= text.size()));
      t.decode(e.ids);
      ++read;
    } catch (const vlt::Error& e) {
      if (e.exit() != vlt::ExitCode::model) FAIL(e.what());
    }
  }
  CHECK(read > 1000);  // another score or letter is no damage
  CHECK(read < 19000);
}
