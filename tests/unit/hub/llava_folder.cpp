// LLaVA folders: what config.json says, what the tensors are called, written and read back as they were.
#include <unit/device.hpp>
#include <unit/hub/stored_values.hpp>
#include <unit/io/temporary_folder.hpp>
#include <vlt/hub/llava_folder.hpp>
#include <vlt/models/clip_vit.hpp>
#include <vlt/models/llama.hpp>
#include <vlt/models/mlp_projector.hpp>
#include <vlt/models/vlm.hpp>

using namespace vlt;
using vlt::test::read_text;
using vlt::test::refused;
using vlt::test::TemporaryFolder;

namespace {

constexpr auto model = ExitCode::model;
using P = Policy<under_test, Precision::f32, Tuning::frozen>;
using Model = Vlm<ClipVit<P>, MlpProjector<P>, LlamaDecoder<P>>;

const std::string text_part =
    R"("text_config":{"model_type":"llama","vocab_size":9,"hidden_size":8,"intermediate_size":12,)"
    R"("num_hidden_layers":1,"num_attention_heads":2})";
const std::string vision_part =
    R"("vision_config":{"hidden_size":8,"intermediate_size":12,"image_size":4,"num_hidden_layers":3,)"
    R"("num_attention_heads":2,"patch_size":2})";

hub::LlavaConfig config_of(const std::string& more, const char* type = "llava") {
  return hub::parse_llava_config(
      "{\"model_type\":\"" + std::string(type) + "\"," + text_part + "," + vision_part + more + "}", "c.json");
}

struct Stored {
  Model vlm;
  ParameterStore<Precision::f32, under_test> store;
  Stored(const hub::LlavaConfig& c, Index layers, float first)
      : vlm{tower(c, layers), mlp_projector<P>(8, 8, {.bias = c.projector_bias, .newline = c.next}),
            LlamaDecoder<P>(c.language.sizes)},
        store(registry_of<P>(vlm)) {
    test::fill_differently(store, first);
  }
  static ClipVit<P> tower(const hub::LlavaConfig& c, Index layers) {
    ClipSizes sizes = c.vision.sizes;
    sizes.depth = layers;
    return ClipVit<P>(sizes);
  }
  std::vector<float> values() const { return test::values_of(store); }
};

// What a tower has and LLaVA does not read.
std::vector<hub::SavedTensor> norm_behind(const hub::LlavaNames& names) {
  const std::string norm = names("vision_model.post_layernorm.");
  return {hub::constant_tensor(norm + "weight", {8}, 2, hub::StoredType::f32),
          hub::constant_tensor(norm + "bias", {8}, 3, hub::StoredType::f32)};
}
void write_whole(const std::string& path, const hub::LlavaConfig& c, Stored& whole, const hub::LlavaNames& names,
                 std::vector<hub::SavedTensor> more = {}) {
  make_folders(path);
  auto list = hub::saved_tensors(whole.store, std::nullopt, names, hub::StoredType::f32);
  for (auto& t : norm_behind(names)) list.push_back(std::move(t));
  for (auto& t : more) list.push_back(std::move(t));
  hub::write_weights(path, "model", std::move(list));
  write_file(path + "/config.json", pretty_json(c.raw));
}

}  // namespace

TEST_CASE("a LLaVA's tensors have one of two forms, the tower with or without its prefix") {
  const std::vector<std::string> ours{"model.layers.0.q", "lm_head.weight", "vision_model.encoder.x",
                                      "projection.linear_1.bias", "projection.image_newline"};
  const auto all = [&](const hub::LlavaNames& names) {
    std::string line;
    for (const auto& name : ours) line += names(name) + " ";
    return line;
  };
  CHECK(all({false, false}) ==
        "language_model.model.layers.0.q language_model.lm_head.weight vision_tower.encoder.x "
        "multi_modal_projector.linear_1.bias image_newline ");
  CHECK(all({true, true}) ==
        "model.language_model.layers.0.q lm_head.weight model.vision_tower.vision_model.encoder.x "
        "model.multi_modal_projector.linear_1.bias model.image_newline ");
}

TEST_CASE("a LLaVA config may leave out what transformers assumes") {
  const hub::LlavaConfig c = config_of("");
  CHECK(c.vision_feature_layer == -2);
  CHECK(c.vision_feature_select == FeatureSelect::patch);
  CHECK(c.image_token == 32000);
  CHECK(c.projector_bias);
  CHECK(!c.next);
  CHECK(c.language.max_position == 2048);
  CHECK(config_of(R"(,"image_token_id":7)").image_token == 7);
  CHECK(config_of(R"(,"tie_word_embeddings":true)").language.sizes.tied);
  CHECK(config_of(R"(,"vision_feature_select_strategy":"full","vision_feature_layer":1)").vision_feature_select ==
        FeatureSelect::full);

  const hub::LlavaConfig bare = hub::parse_llava_config(R"({"model_type":"llava_next"})", "c.json");
  CHECK(bare.vision.sizes.image == 336);
  CHECK(bare.vision.sizes.depth == 24);
  CHECK(bare.language.sizes.block.width == 4096);
  CHECK(bare.language.sizes.block.mlp == 11008);
  CHECK(bare.grid.size() == 5);
  CHECK(bare.raw.size() == 1);

  const auto text = [](const std::string& keys) {
    return hub::parse_llava_config("{\"model_type\":\"llava\",\"text_config\":{" + keys + "}}", "c.json").language;
  };
  const hub::LlamaConfig mistral = text(R"("model_type":"mistral","sliding_window":null)");
  CHECK(mistral.sizes.block.kv_heads == 8);
  CHECK(mistral.sizes.block.mlp == 14336);
  CHECK(mistral.max_position == 131072);
  CHECK(text(R"("model_type":"qwen2")").sizes.vocabulary == 151936);
  refused([&] { text(R"("model_type":"mistral")"); }, model, "MODEL-JSON-004", "$.text_config.sliding_window");
}

TEST_CASE("what a LLaVA config cannot mean is refused with its key") {
  const auto bad = [](const std::string& more, const char* place, const char* type = "llava") {
    refused([&] { config_of("," + more, type); }, model, "MODEL-JSON-004", place);
  };
  bad(R"("vision_feature_layer":[-2,-5])", "$.vision_feature_layer");
  bad(R"("vision_feature_select_strategy":"cls")", "$.vision_feature_select_strategy");
  bad(R"("vision_feature_select_strategy":"full")", "$.vision_feature_select_strategy", "llava_next");
  bad(R"("projector_hidden_act":"relu")", "$.projector_hidden_act");
  bad(R"("use_image_newline_parameter":false)", "$.use_image_newline_parameter", "llava_next");
  bad(R"("quantization_config":{})", "$.quantization_config");
  refused([] { config_of("", "qwen2_vl"); }, model, "MODEL-JSON-004", "$.model_type", "llava or llava_next");
  const auto wrong_type = [](const std::string& more, const char* place) {
    refused([&] { config_of("," + more, "llava_next"); }, model, "MODEL-JSON-002", place);
  };
  wrong_type(R"("multimodal_projector_bias":"yes")", "$.multimodal_projector_bias");
  wrong_type(R"("image_token_index":"<image>")", "$.image_token_index");
  wrong_type(R"("vision_feature_layer":-2.5)", "$.vision_feature_layer");
  wrong_type(R"("image_grid_pinpoints":[[336,"672"]])", "$.image_grid_pinpoints[0][1]");
  refused([] { hub::parse_llava_config(R"({"model_type":"llava","text_config":{"model_type":"gemma"}})", "c.json"); },
          model, "MODEL-JSON-004", "$.text_config.model_type");
  refused(
      [] {
        hub::parse_llava_config(R"({"model_type":"llava","vision_config":{"model_type":"siglip_vision_model"}})",
                                "c.json");
      },
      model, "MODEL-JSON-004", "$.vision_config.model_type");
}

TEST_CASE("a LLaVA folder is read in every form and written in the one that was read") {
  const TemporaryFolder t;
  for (const char* type : {"llava", "llava_next"})
    for (const hub::LlavaNames names : {hub::LlavaNames{false, false}, {false, true}, {true, false}, {true, true}}) {
      const hub::LlavaConfig c = config_of(R"(,"dtype":"float32","multimodal_projector_bias":false)", type);
      const std::string path = t / (type + std::to_string(names.by_module) + std::to_string(names.vision_model));
      Stored whole(c, 3, 0), part(c, 2, 1000), again(c, 2, 2000);
      write_whole(path, c, whole, names);
      const hub::WeightFolder folder{Folder(path)};
      const hub::LoadedWeights found = hub::load_folder(folder, hub::llava_rules(c, folder, 2), part.store);
      CHECK(found.kept.size() == 18);  // the last layer and the norm behind it

      hub::write_llava_folder(path + "-again", c, {9, 32000, -2, FeatureSelect::patch}, part.store, names, found.kept,
                              hub::StoredType::f32);
      CHECK(read_text(path + "-again/model.safetensors") == read_text(path + "/model.safetensors"));
      CHECK(read_text(path + "-again/config.json") == read_text(path + "/config.json"));
      const hub::WeightFolder second{Folder(path + "-again")};
      hub::load_folder(second, hub::llava_rules(c, second, 2), again.store);
      CHECK(again.values() == part.values());
    }
}

TEST_CASE("the head of a LLaVA-NeXT is tied by either key, or has numbers of its own") {
  const TemporaryFolder t;
  const std::string tied_text = R"({"model_type":"llava_next","text_config":{"tie_word_embeddings":true})";
  hub::LlavaConfig c = hub::parse_llava_config(tied_text + "}", "c.json"), small = config_of("", "llava_next");
  CHECK(c.language.sizes.tied);
  Stored own_head(small, 3, 0);
  write_whole(t / "own", small, own_head, {});
  hub::settle_tied_head(c, Folder(t / "own"));
  CHECK(!c.language.sizes.tied);

  small.language.sizes.tied = true;
  Stored no_head(small, 3, 0);
  write_whole(t / "tied", small, no_head, {});
  hub::settle_tied_head(small, Folder(t / "tied"));
  CHECK(small.language.sizes.tied);
  CHECK(hub::llava_folder::changed_config(small, {}, hub::StoredType::f32).at("tie_word_embeddings") == true);
}

TEST_CASE("tensors that a LLaVA lacks, or should not have, are one table") {
  const TemporaryFolder t;
  const hub::LlavaConfig c = config_of(""), next = config_of("", "llava_next");
  Stored whole(c, 3, 0), newline(next, 2, 0);
  write_whole(t / "a", c, whole, {}, {hub::constant_tensor("text_model.x", {2}, 1, hub::StoredType::f32)});
  const hub::WeightFolder folder{Folder(t / "a")};
  refused([&] { hub::load_folder(folder, hub::llava_rules(next, folder, 2), newline.store); }, model,
          "MODEL-WEIGHTS-003", "1 missing, 1 unexpected", "\"image_newline\"", "\"text_model.x\"");
}

TEST_CASE("a LLaVA's config.json changes in what has changed") {
  const hub::LlavaConfig c = config_of(R"(,"vocab_size":9,"image_token_index":5,"torch_dtype":"float16")");
  const auto now = hub::llava_folder::changed_config(c, {11, 10, 1, FeatureSelect::full}, hub::StoredType::bf16);
  CHECK(now.at("text_config").at("vocab_size") == 11);
  CHECK(now.at("vocab_size") == 11);
  CHECK(now.at("image_token_index") == 10);
  CHECK(now.at("vision_feature_layer") == 1);
  CHECK(now.at("vision_feature_select_strategy") == "full");
  CHECK(now.at("torch_dtype") == "bfloat16");
  CHECK(now.at("vision_config") == c.raw.at("vision_config"));
  const std::string processor = R"({"patch_size": 14, "vision_feature_select_strategy": "default"})";
  CHECK(hub::llava_folder::changed_processor(processor, c, {9, 5, -2, FeatureSelect::patch}) == processor);
  CHECK_THAT(hub::llava_folder::changed_processor(processor, c, {9, 5, -2, FeatureSelect::full}),
             Catch::Contains(R"("vision_feature_select_strategy": "full")"));
}
