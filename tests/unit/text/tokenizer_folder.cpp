#include <vlt/text/tokenizer_folder.hpp>

#include <filesystem>
#include "sentencepiece_samples.hpp"
#include "text_samples.hpp"

namespace {

namespace fs = std::filesystem;

// A folder of its own that is gone afterwards.
struct Place {
  fs::path path = fs::temp_directory_path() / ("vlt-tokenizer-" + std::to_string(::getpid()));
  Place() { fs::remove_all(path), fs::create_directories(path); }
  ~Place() { fs::remove_all(path); }
  std::string operator/(const char* name) const { return (path / name).string(); }
};

vlt::text::TokenizerFolder trained() {
  return vlt::text::make_tokenizer_folder(vlt_test::small_tokenizer_file(), "<s>", "</s>", "");
}

}  // namespace

TEST_CASE("a trained tokenizer folder reads back", "[text]") {
  const Place place;
  vlt::text::TokenizerFolder made = trained();
  const std::int32_t before = made.vocabulary_read;
  add_image_and_pad_tokens(made);
  vlt::text::write_tokenizer_folder(made, place / "tok");
  const vlt::text::TokenizerFolder read = vlt::text::read_tokenizer_folder(place / "tok");
  CHECK(read.bos == "<s>");
  CHECK(read.eos == "</s>");
  CHECK(read.pad == "<PAD>");
  CHECK(read.vocabulary_read == before + 1);  // <image> was there, <PAD> is new
  CHECK(read.warnings.empty());
  const vlt::text::Tokenizer a(made.file), b(read.file);
  CHECK(b.id("<PAD>") == before);
  CHECK(b.is_special("<PAD>"));
  std::mt19937 random(1);
  for (int i = 0; i < 200; ++i) {
    const std::string text = vlt_test::random_text(random, 20) + "<PAD><image>";
    REQUIRE(vlt::text::Encoder(a).encode(text).ids == vlt::text::Encoder(b).encode(text).ids);
  }
}

TEST_CASE("adding tokens twice changes nothing, and a named pad token stays", "[text]") {
  vlt::text::TokenizerFolder t = trained();
  add_image_and_pad_tokens(t);
  const std::string once = boost::json::serialize(t.tokenizer_json);
  add_image_and_pad_tokens(t);
  CHECK(boost::json::serialize(t.tokenizer_json) == once);
  vlt::text::TokenizerFolder padded =
      vlt::text::make_tokenizer_folder(vlt_test::small_tokenizer_file(), "", "</s>", "<|endoftext|>");
  add_image_and_pad_tokens(padded);
  CHECK(padded.pad == "<|endoftext|>");
  CHECK(vlt::text::Tokenizer(padded.file).id("<PAD>") == -1);
}

TEST_CASE("what is not changed is written as it was read", "[text]") {
  const Place place;
  fs::create_directories(place / "in");
  vlt::text::TokenizerFolder made = trained();
  made.tokenizer_json.as_object()["truncation"] = {{"max_length", 512}};
  vlt::text::write_tokenizer_folder(made, place / "in");
  vlt::write_file(place / "in/tokenizer_config.json",
                  R"({"tokenizer_class": "LlamaTokenizerFast", "model_max_length": 2048, "add_bos_token": true,
                      "add_eos_token": true, "bos_token": {"content": "<s>", "lstrip": false}, "eos_token": "</s>",
                      "added_tokens_decoder": {"4": {"content": "<s>"}}, "chat_template": "{{ x }}"})");
  vlt::write_file(place / "in/chat_template.jinja", "{{ y }}");
  vlt::text::TokenizerFolder read = vlt::text::read_tokenizer_folder(place / "in");
  CHECK(read.file.before == std::vector<std::string>{"<s>"});
  CHECK(read.file.after.empty());
  add_image_and_pad_tokens(read);
  vlt::text::write_tokenizer_folder(read, place / "out");
  CHECK(vlt::read_whole_file(place / "out/chat_template.jinja", 100) == "{{ y }}");
  const auto config = vlt::parse_json(vlt::read_whole_file(place / "out/tokenizer_config.json", 10000), "config");
  CHECK(config.at("model_max_length").as_int64() == 2048);
  CHECK(config.at("tokenizer_class").as_string() == "PreTrainedTokenizerFast");  // which takes the file as it is
  CHECK(config.at("pad_token").as_string() == "<PAD>");
  const std::string pad_id = std::to_string(read.vocabulary_read);
  CHECK(config.at("added_tokens_decoder").at(pad_id).at("content").as_string() == "<PAD>");
  const auto json = vlt::parse_json(vlt::read_whole_file(place / "out/tokenizer.json", 1 << 20), "json");
  CHECK(json.at("truncation").at("max_length").as_int64() == 512);
}

TEST_CASE("folders without a usable tokenizer are refused", "[text]") {
  const Place place;
  const auto refused = [&](const char* name) {
    return vlt_test::complaint_of([&] { vlt::text::read_tokenizer_folder(place / name); }, vlt::ExitCode::model);
  };
  fs::create_directories(place / "empty");
  CHECK(refused("empty").code() == "MODEL-TOK-001");
  CHECK(refused("absent").code() == "MODEL-PATH-001");
  vlt::make_folders(place / "spm");
  vlt::write_file(place / "spm/tokenizer.model", "IQ== 0\n");  // tiktoken's
  CHECK(refused("spm").code() == "MODEL-TOK-020");
  vlt::make_folders(place / "other");
  vlt::write_file(place / "other/vocab.txt", "x");
  CHECK(refused("other").found() == "vocab.txt");
  vlt::text::write_tokenizer_folder(trained(), place / "bad");
  vlt::write_file(place / "bad/tokenizer_config.json", R"({"eos_token": 5})");
  CHECK(refused("bad").code() == "MODEL-JSON-002");
  vlt::ReadLimits limits;
  limits.tokenizer_bytes = 10;
  const auto large =
      vlt_test::complaint_of([&] { vlt::text::read_tokenizer_folder(place / "bad", limits); }, vlt::ExitCode::model);
  CHECK(large.code() == "MODEL-FILE-003");
  CHECK(large.help().find("--limit_tokenizer_bytes") != large.help().npos);
}

TEST_CASE("ids without a token are a warning", "[text]") {
  const Place place;
  vlt::text::TokenizerFile file = vlt_test::small_tokenizer_file();
  file.model.vocab.back().second += 5;
  file.added.pop_back();  // <image>, which stood behind the vocabulary
  vlt::text::write_tokenizer_folder(vlt::text::make_tokenizer_folder(file, "", "</s>", ""), place / "gaps");
  const auto read = vlt::text::read_tokenizer_folder(place / "gaps");
  REQUIRE(read.warnings.size() == 1);
  CHECK(read.warnings[0].code() == "MODEL-TOK-005");
  CHECK(read.warnings[0].found() == "5 ids without a token");
}

TEST_CASE("a folder with only tokenizer.model works, and what is written of it too", "[text]") {
  const Place place;
  vlt::make_folders(place / "in");
  vlt_test::ModelBytes model;
  vlt::write_file(place / "in/tokenizer.model", model());
  vlt::text::TokenizerFolder read = vlt::text::read_tokenizer_folder(place / "in");
  CHECK(read.bos == "<s>");
  CHECK(read.eos == "</s>");
  CHECK(read.file.before.empty());
  CHECK(read.vocabulary_read == 8);
  add_image_and_pad_tokens(read);
  vlt::text::write_tokenizer_folder(read, place / "out");
  CHECK(vlt::read_whole_file(place / "out/tokenizer.model", 10000) == model());
  const vlt::text::TokenizerFolder again = vlt::text::read_tokenizer_folder(place / "out");
  CHECK(again.pad == "<PAD>");
  const vlt::text::Tokenizer a(read.file), b(again.file);
  CHECK(b.id("<image>") == 8);
  CHECK(b.id("<PAD>") == 9);
  std::mt19937 random(1);
  for (int i = 0; i < 200; ++i) {
    const std::string text = vlt_test::random_text(random, 20) + "<image> ab<PAD>ab";
    REQUIRE(vlt::text::Encoder(a).encode(text).ids == vlt::text::Encoder(b).encode(text).ids);
  }
  // Blanks that another library would collapse in its own way: the model is read again, not its tokenizer.json.
  model.normalizer = "";
  vlt::write_file(place / "in/tokenizer.model", model());
  vlt::text::TokenizerFolder collapsing = vlt::text::read_tokenizer_folder(place / "in");
  add_image_and_pad_tokens(collapsing);
  vlt::text::write_tokenizer_folder(collapsing, place / "collapsed");
  const vlt::text::Tokenizer c(vlt::text::read_tokenizer_folder(place / "collapsed").file);
  CHECK(vlt::text::Encoder(c).encode(" a  a<image>").ids == std::vector<std::int32_t>{6, 6, 8});
}

TEST_CASE("tokenizer_config.json beside a tokenizer.model", "[text]") {
  const Place place;
  vlt::make_folders(place / "spm");
  vlt::write_file(place / "spm/tokenizer.model", vlt_test::ModelBytes{}());
  const auto with = [&](const std::string& config) {
    vlt::write_file(place / "spm/tokenizer_config.json", config);
    return vlt::text::read_tokenizer_folder(place / "spm");
  };
  const auto ids = [](const vlt::text::TokenizerFolder& t, const char* text) {
    return vlt::text::Encoder(vlt::text::Tokenizer(t.file)).encode(text).ids;
  };
  using Ids = std::vector<std::int32_t>;
  CHECK(ids(with("{}"), "a</s>a") == Ids{6, 2, 6});
  CHECK(ids(with(R"({"tokenizer_class": "LlamaTokenizer"})"), "a</s>a") == Ids{6, 2, 4});
  CHECK(ids(with(R"({"tokenizer_class": "LlamaTokenizer", "legacy": true})"), "a</s>a") == Ids{6, 2, 6});
  CHECK(ids(with(R"({"legacy": false, "add_bos_token": true})"), "a</s>a") == Ids{1, 6, 2, 4});
  CHECK(ids(with(R"({"add_prefix_space": false})"), "a") == Ids{4});
  const auto added = with(R"({"added_tokens_decoder": {"9": {"content": "<y>", "special": true},
                              "8": {"content": "<x>", "normalized": false}},
                              "pad_token": "<z>", "additional_special_tokens": ["<w>"]})");
  CHECK(added.file.added.size() == 7);
  CHECK(ids(added, "<x><y><z><w>") == Ids{8, 9, 10, 11});
  CHECK(added.vocabulary_read == 12);
  vlt::write_file(place / "spm/added_tokens.json", R"({"<q>": 9, "<p>": 8})");  // how older folders list them
  const auto named = with(R"({"pad_token": "<p>"})");
  CHECK(ids(named, "<p><q>") == Ids{8, 9});
  CHECK(vlt::text::Tokenizer(named.file).is_special("<p>"));
  CHECK_FALSE(vlt::text::Tokenizer(named.file).is_special("<q>"));
  const auto c = vlt_test::complaint_of([&] { with(R"({"added_tokens_decoder": {"x": {"content": "<y>"}}})"); },
                                        vlt::ExitCode::model);
  CHECK(c.code() == "MODEL-JSON-001");
  CHECK_THROWS_AS(vlt::text::Tokenizer(with(R"({"added_tokens_decoder": {"50": {"content": "<y>"}}})").file),
                  vlt::Error);
}
