#include <unit/io/temporary_folder.hpp>
#include <vlt/pretrained/exported_model.hpp>
#include <vlt/text/bpe_trainer.hpp>

using namespace vlt;
using Catch::Matchers::Contains;
using vlt::test::refused;
using vlt::test::TemporaryFolder;

namespace {

// A tokenizer of all bytes and <s>, beside an embedding of so many rows.
ModelDescription described(Index rows) {
  text::BpeTrainer trainer({.vocabulary = 257, .least_count = 2, .special_tokens = {"<s>"}});
  ModelDescription m;
  m.tokenizer_folder = text::make_tokenizer_folder(trainer.train(), "<s>", "", "");
  m.tokenizer_folder.file.name = "folder/tokenizer.json";
  m.language.sizes.vocabulary = rows;
  m.vision_sizes.image = 8, m.vision_sizes.patch = 4;
  m.projector = projector_facts<BaselineKind>();
  return m;
}
// Adds what a training adds, then puts the parts together.
Index connected_rows(ModelDescription m) {
  text::add_image_and_pad_tokens(m.tokenizer_folder);
  m.tokenizer = std::make_shared<const text::Tokenizer>(m.tokenizer_folder.file);
  describe_model::connect(m);
  return m.language_sizes.vocabulary;
}

// A LLaVA without weights; <image> is token 257.
struct LlavaFolder : TemporaryFolder {
  LlavaFolder() {
    text::BpeTrainer trainer({.vocabulary = 257, .least_count = 2, .special_tokens = {"</s>"}});
    text::TokenizerFolder tokenizer = text::make_tokenizer_folder(trainer.train(), "", "</s>", "</s>");
    text::add_special_token(tokenizer, "<image>");
    text::write_tokenizer_folder(tokenizer, path);
    config("llava");
    processor("");
  }
  void config(const std::string& type, const std::string& more = R"("image_token_index":257)") const {
    write("config.json", "{\"model_type\":\"" + type +
                             R"(","text_config":{"vocab_size":260,"hidden_size":8,"num_attention_heads":2},)"
                             R"("vision_config":{"image_size":28,"patch_size":14,"num_hidden_layers":3},)" +
                             more + "}");
  }
  void processor(const std::string& more) const {
    write("preprocessor_config.json", R"({"size":28,"crop_size":28)" + more + "}");
  }
  ModelDescription described(const LlavaRequest& asked = {}) const {
    return describe_llava_model(library_kinds(), path, asked);
  }
};

}  // namespace

TEST_CASE("<image> and <PAD> let the embedding grow, however they came in") {
  CHECK(connected_rows(described(257)) == 259);
  CHECK(connected_rows(described(300)) == 300);
  ModelDescription again = described(257);  // as a run's own folder has it
  text::add_image_and_pad_tokens(again.tokenizer_folder);
  CHECK(connected_rows(again) == 259);
}

TEST_CASE("a language model's tokenizer gets <image> and <PAD>") {
  const TemporaryFolder t;
  text::BpeTrainer trainer({.vocabulary = 257, .least_count = 2, .special_tokens = {"<s>"}});
  text::write_tokenizer_folder(text::make_tokenizer_folder(trainer.train(), "<s>", "", ""), t.path);
  ModelDescription m;
  describe_model::read_tokenizer(m, t.path);
  CHECK(m.tokenizer->id("<image>") == 257);
  CHECK(m.tokenizer->id("<PAD>") == 258);
  CHECK(m.tokenizer_folder.pad == "<PAD>");
}

TEST_CASE("a tokenizer with other ids beyond the embedding is refused") {
  try {
    connected_rows(described(256));
    FAIL("accepted");
  } catch (const Error& e) {
    CHECK(e.exit() == ExitCode::model);
    CHECK(e.complaint().code() == "MODEL-TOK-019");
    CHECK(e.complaint().place() == "folder/tokenizer.json");
    CHECK_THAT(e.complaint().expected(), Contains("256"));
    CHECK(e.complaint().found() == "257");
  }
  ModelDescription more = described(257);
  text::add_special_token(more.tokenizer_folder, "<extra>");
  CHECK_THROWS_AS(connected_rows(more), Error);
}

TEST_CASE("a Hugging Face LLaVA folder says what it is") {
  const LlavaFolder t;
  const ExportedModel e = describe_exported_model(library_kinds(), t.path);
  const ModelDescription& m = e.description;
  CHECK(m.architecture() == "llava");
  CHECK(m.projector.name == std::string("mlp"));
  CHECK(m.vision_sizes.depth == 2);
  CHECK(m.tokens_per_image == 4);
  CHECK(m.template_name == "llava");
  CHECK(m.max_seq_len == 2048);
  CHECK(m.language_sizes.vocabulary == 260);
  CHECK(e.language_adapters.rank == 0);

  const ModelDescription other = t.described({"plain", -1, FeatureSelect::full, 99});
  CHECK(other.vision_sizes.depth == 3);
  CHECK(other.tokens_per_image == 5);
  CHECK(other.template_name == "plain");
  CHECK(other.max_seq_len == 99);
  refused([&] { t.described({"", 7, {}, 0}); }, ExitCode::usage, "OPT-VALUE-004", "--vision_feature_layer", "-4 to 3");
  t.config("llava", R"("vision_feature_layer":-9,"image_token_index":257)");
  refused([&] { t.described(); }, ExitCode::model, "MODEL-JSON-004", "$.vision_feature_layer", "-4 to 3");
}

TEST_CASE("the parts of a LLaVA folder must agree") {
  const LlavaFolder t;
  t.config("llava", R"("image_token_index":258)");
  refused([&] { t.described(); }, ExitCode::model, "MODEL-LLAVA-001", "$.image_token_index", "257", "258");
  t.config("llava");
  t.processor(R"(,"image_grid_pinpoints":[[28,56]])");
  refused([&] { t.described(); }, ExitCode::model, "MODEL-PROC-003", "preprocessor_config.json");

  const std::string next = R"("image_token_index":257,"image_grid_pinpoints":[[28,56],[56,28]])";
  t.config("llava_next", next);
  refused([&] { t.described(); }, ExitCode::model, "MODEL-PROC-004", "2 canvases", "1 canvases");
  t.processor(R"(,"image_grid_pinpoints":[[28,56],[56,28]],"do_pad":true)");
  CHECK(t.described().pictures().max_tiles() == 3);
  refused(
      [&] {
        t.described({"", {}, FeatureSelect::full, 0});
      },
      ExitCode::usage, "OPT-VALUE-004", "--vision_feature_select");
  t.processor("");
  CHECK(t.described().pictures().max_tokens() == 4 + 8 + 4);
  for (const char* grid : {"[[28,50]]", "[[0,28]]", "[[28,28000]]"}) {
    t.config("llava_next", R"("image_token_index":257,"image_grid_pinpoints":)" + std::string(grid));
    refused([&] { t.described(); }, ExitCode::model, "MODEL-JSON-004", "$.image_grid_pinpoints", "28 pixels");
  }
}

TEST_CASE("a LLaVA's image processor may be in processor_config.json, beside other settings") {
  const LlavaFolder t;
  std::filesystem::remove(t / "preprocessor_config.json");
  t.write("processor_config.json", R"({"patch_size":14})");
  refused([&] { t.described(); }, ExitCode::model, "MODEL-PROC-001");
  t.write("processor_config.json", R"({"patch_size":14,"image_processor":{"size":28,"crop_size":28}})");
  const ModelDescription m = t.described();
  CHECK(m.processor.crop == 28);
  CHECK(m.passed_on.size() == 1);
  CHECK(m.passed_on.front().first == "processor_config.json");
}
