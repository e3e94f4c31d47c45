// Towers, projectors, adapters and vltune.json: written, read back, and refused where they do not fit.
#include <unit/device.hpp>
#include <unit/hub/stored_values.hpp>
#include <unit/io/temporary_folder.hpp>
#include <vlt/hub/adapter_folder.hpp>
#include <vlt/hub/projector_folder.hpp>
#include <vlt/hub/vltune_file.hpp>
#include <vlt/models/clip_vit.hpp>
#include <vlt/models/perceiver.hpp>

using namespace vlt;
using vlt::test::read_text;
using vlt::test::refused;
using vlt::test::TemporaryFolder;

namespace {

constexpr auto model = ExitCode::model;
using Frozen = Policy<under_test, Precision::f32, Tuning::frozen>;
using Adapted = Policy<under_test, Precision::f32, Tuning::adapted>;

template <class Layers> struct Stored {
  Layers layers;
  ParameterStore<Precision::f32, under_test> store;
  Stored(Layers l, ComponentKind component, const char* path, float first)
      : layers(std::move(l)), store(list(component, path)) {
    test::fill_differently(store, first);
  }
  Registry<Precision::f32, under_test> list(ComponentKind component, const char* path) {
    Registry<Precision::f32, under_test> r;
    r.component = component;
    vlt::collect(layers, r, path);
    return r;
  }
  std::vector<float> values() const { return test::values_of(store); }
};

hub::ClipConfig tower_config() {
  return hub::parse_clip_config(
      R"({"model_type":"clip_vision_model","hidden_size":8,"intermediate_size":12,"image_size":4,)"
      R"("num_hidden_layers":3,"num_attention_heads":2,"patch_size":2})",
      "c");
}
template <class P = Frozen> Stored<ClipVit<P>> tower(Index layers, float first = 0) {
  ClipSizes sizes = tower_config().sizes;
  sizes.depth = layers;
  return {ClipVit<P>(sizes), ComponentKind::vision, "", first};
}

Stored<ClipVit<Adapted>> adapted(float first, const char* modules) {
  ClipVit<Adapted> layers(tower_config().sizes);
  attach_adapters(registry_of<Adapted>(layers), {modules}, 2, 8);
  return {std::move(layers), ComponentKind::vision, "", first};
}

}  // namespace

TEST_CASE("a tower is saved with and without its prefix, and keeps what it does not run") {
  const TemporaryFolder t;
  const hub::ClipConfig config = tower_config();
  auto whole = tower(3);
  for (const bool prefix : {true, false}) {
    const std::string path = t / (prefix ? "with" : "without"), before = prefix ? "vision_model." : "";
    hub::write_vision_folder(path, config, whole.store, hub::clip_names(prefix), {}, hub::StoredType::f32,
                             {hub::constant_tensor(before + "post_layernorm.weight", {8}, 2, hub::StoredType::f32),
                              hub::constant_tensor(before + "post_layernorm.bias", {8}, 3, hub::StoredType::f32),
                              hub::constant_tensor(before + "embeddings.position_ids", {1, 5}, 0, hub::StoredType::f32),
                              hub::constant_tensor("logit_scale", {}, 1, hub::StoredType::f32),
                              hub::constant_tensor("text_model.encoder.layers.0.x", {2}, 1, hub::StoredType::f32)});
    const hub::WeightFolder folder{Folder(path)};
    CHECK(folder.find(before + "embeddings.patch_embedding.weight").tensor->shape ==
          std::vector<std::uint64_t>{8, 3, 2, 2});
    CHECK(folder.find(before + "embeddings.class_embedding").tensor->shape == std::vector<std::uint64_t>{8});

    auto part = tower(2, 1000);  // the last but one layer is read
    const hub::WeightRules rules = hub::vision_rules(config, folder, 2);
    const hub::LoadedWeights found = hub::load_folder(folder, rules, part.store);
    CHECK(found.ignored == 3);
    CHECK(found.kept.size() == 16 + 2);
    const auto all = whole.values(), some = part.values();
    CHECK(std::equal(some.begin(), some.end(), all.begin()));

    hub::write_vision_folder(t / "again", config, part.store, rules.stored_as, found.kept, hub::StoredType::bf16);
    const hub::WeightFolder again{Folder(t / "again")};
    for (const auto& place : again.tensors()) {
      const auto first = folder.find(place.tensor->name);
      REQUIRE(first);
      std::vector<float> x(std::size_t(place.tensor->size())), y(x.size());
      place.file->read(*place.tensor, 0, x), first.file->read(*first.tensor, 0, y);
      for (float& v : y) v = float(bf16(v));
      CHECK(x == y);
    }
    CHECK(again.tensors().size() == folder.tensors().size() - 3);
  }
}

TEST_CASE("a tower whose unused layers are not all there is refused") {
  const TemporaryFolder t;
  auto two = tower(2);
  hub::write_vision_folder(t / "m", tower_config(), two.store, hub::clip_names(true), {}, hub::StoredType::f32);
  auto part = tower(2);
  const hub::WeightFolder folder{Folder(t / "m")};
  refused([&] { hub::load_folder(folder, hub::vision_rules(tower_config(), folder, 2), part.store); }, model,
          "MODEL-WEIGHTS-003", "missing", "vision_model.encoder.layers.2.", "vision_model.post_layernorm.weight");
}

TEST_CASE("a perceiver is saved as torch packs it") {
  const TemporaryFolder t;
  const auto perceiver = [](float first) {
    using Projector = Unit<Perceiver<Frozen>>;
    return Stored<Projector>(Projector{Perceiver<Frozen>(PerceiverSizes{6, 8, 4, true, 2})}, ComponentKind::projector,
                             "projection", first);
  };
  auto a = perceiver(0), b = perceiver(1000);
  const hub::ProjectorConfig config{"perceiver",
                                    {{"vision_width", 6}, {"text_width", 8}, {"queries", 4}, {"patches", 4}}};
  hub::write_projector_folder(t / "p", config, a.store, hub::StoredType::f32);
  const hub::WeightFolder folder{Folder(t / "p")};
  CHECK(folder.find("projection.attn.in_proj_weight").tensor->shape == std::vector<std::uint64_t>{24, 8});
  CHECK(folder.find("projection.attn.in_proj_bias").tensor->shape == std::vector<std::uint64_t>{24});
  CHECK(folder.find("projection.attn.out_proj.weight"));
  CHECK(folder.find("projection.query").tensor->shape == std::vector<std::uint64_t>{4, 8});
  CHECK(folder.tensors().size() == 15);
  hub::load_folder(folder, hub::projector_rules(), b.store);
  CHECK(a.values() == b.values());

  const Folder written(t / "p");
  CHECK(hub::read_projector_kind(written) == "perceiver");
  CHECK_NOTHROW(hub::require_same_projector(written, config));
  hub::ProjectorConfig other = config;
  other.sizes[1].second = 16;
  refused([&] { hub::require_same_projector(written, other); }, model, "MODEL-PROJ-001", "text_width", "16", "8");
  other.kind = "mlp";
  refused([&] { hub::require_same_projector(written, other); }, model, "MODEL-PROJ-001", "kind", "mlp", "perceiver");
  refused([&] { t.write("p/config.json", "{\"model_type\":\"llama\"}"), hub::read_projector_kind(written); }, model,
          "MODEL-JSON-004", "does not hold a projector");
}

TEST_CASE("adapters are a PEFT folder with full module names") {
  const TemporaryFolder t;
  auto a = adapted(0, "layers.1.self_attn"), b = adapted(1000, "layers.1.self_attn"), c = adapted(0, "q_proj");
  hub::write_adapter_folder(t / "a", a.store, ComponentKind::vision, {2, 8, "../base", {}}, "", hub::StoredType::f32);
  const hub::WeightFolder folder{Folder(t / "a"), "adapter_model"};
  CHECK(folder.tensors().size() == 8);
  const std::string first = "encoder.layers.1.self_attn.k_proj";
  CHECK(folder.find("base_model.model." + first + ".lora_A.weight").tensor->shape == std::vector<std::uint64_t>{2, 8});
  CHECK(folder.find("base_model.model." + first + ".lora_B.weight").tensor->shape == std::vector<std::uint64_t>{8, 2});
  const hub::AdapterConfig config = hub::read_adapter_config(Folder(t / "a"), folder);
  CHECK(config.rank == 2);
  CHECK(config.alpha == 8);
  CHECK(config.base == "../base");
  REQUIRE(config.modules.size() == 4);
  CHECK(config.modules[0] == first);
  const boost::json::value json = parse_json(read_text(t / "a/adapter_config.json"), "c");
  const std::string stack = "encoder.layers.1.self_attn.";
  CHECK(json == boost::json::value{{"peft_type", "LORA"},
                                   {"task_type", nullptr},
                                   {"base_model_name_or_path", "../base"},
                                   {"r", 2},
                                   {"lora_alpha", 8.0},
                                   {"lora_dropout", 0.0},
                                   {"target_modules", boost::json::array{stack + "k_proj", stack + "out_proj",
                                                                         stack + "q_proj", stack + "v_proj"}},
                                   {"bias", "none"},
                                   {"fan_in_fan_out", false},
                                   {"use_rslora", false},
                                   {"use_dora", false},
                                   {"modules_to_save", nullptr},
                                   {"inference_mode", true}});
  hub::write_adapter_folder(t / "task", a.store, ComponentKind::vision, {2, 8, "../base", {}}, "CAUSAL_LM",
                            hub::StoredType::f32);
  CHECK(parse_json(read_text(t / "task/adapter_config.json"), "c").at("task_type") == "CAUSAL_LM");
  hub::write_weights(t / "task", "adapter_model", {hub::constant_tensor("other.weight", {2}, 1, hub::StoredType::f32)});
  refused([&] { hub::read_adapter_config(Folder(t / "task"), hub::WeightFolder(Folder(t / "task"), "adapter_model")); },
          model, "MODEL-ADAPTER-001", "\"other.weight\"");

  hub::load_adapters(folder, b.store, ComponentKind::vision);
  const auto& params = a.store.registry().params;
  Index compared = 0;
  for (std::size_t i = 0; i < params.size(); ++i) {
    std::vector<float> x(std::size_t(params[i].value->size())), y(x.size());
    a.store.read(int(i), 0, x), b.store.read(int(i), 0, y);
    CHECK((x == y) == params[i].adapter);
    compared += params[i].adapter;
  }
  CHECK(compared == 8);
  refused([&] { hub::load_adapters(folder, c.store, ComponentKind::vision); }, model, "MODEL-WEIGHTS-003", "missing",
          "unexpected", "layers.0.self_attn.q_proj.lora_A.weight");
  const auto shallow = adapted(0, "layers.0");  // has none of layer 1
  refused([&] { hub::plan_adapters(shallow.store.registry(), folder, ComponentKind::vision); }, model,
          "MODEL-WEIGHTS-003", "unexpected", "layers.1.self_attn.q_proj.lora_A.weight");
  refused([&] { hub::plan_adapters(shallow.store.registry(), folder, ComponentKind::vision, 2, 3); }, model,
          "MODEL-WEIGHTS-003", "unexpected");
  refused([&] { hub::plan_adapters(shallow.store.registry(), folder, ComponentKind::vision, 1, 3); }, model,
          "MODEL-WEIGHTS-003", "missing", "layers.0");
}

TEST_CASE("adapters that are more than plain LoRA are refused by name") {
  const TemporaryFolder t;
  auto a = adapted(0, "layers.1.self_attn");
  hub::write_adapter_folder(t / "a", a.store, ComponentKind::vision, {2, 8, "../base", {}}, "", hub::StoredType::f32);
  const hub::WeightFolder folder{Folder(t / "a"), "adapter_model"};
  const auto variant = [&](const char* key, const char* value) {
    boost::json::object json = parse_json(read_text(t / "a/adapter_config.json"), "a").as_object();
    json[key] = parse_json(value, "v");
    t.write("b/adapter_config.json", pretty_json(json));
    hub::read_adapter_config(Folder(t / "b"), folder);
  };
  refused([&] { variant("peft_type", "\"IA3\""); }, model, "MODEL-JSON-004", "IA3");
  for (const auto& [key, value] : std::map<const char*, const char*>{{"use_dora", "true"},
                                                                     {"use_rslora", "true"},
                                                                     {"lora_bias", "true"},
                                                                     {"bias", "\"all\""},
                                                                     {"modules_to_save", "[\"lm_head\"]"},
                                                                     {"rank_pattern", "{\"q_proj\": 3}"},
                                                                     {"alpha_pattern", "{\"q_proj\": 3}"},
                                                                     {"trainable_token_indices", "[1]"},
                                                                     {"layer_replication", "[[0, 1]]"},
                                                                     {"init_lora_weights", "\"pissa_niter_4\""}})
    refused([&] { variant(key, value); }, model, "MODEL-JSON-004", key);
  for (const auto& [key, value] : std::map<const char*, const char*>{
           {"use_dora", "null"}, {"rank_pattern", "{}"}, {"modules_to_save", "[]"}, {"init_lora_weights", "true"}})
    CHECK_NOTHROW(variant(key, value));
  for (const char* modules : {"5", "[5]", "{}"})
    refused([&] { variant("target_modules", modules); }, model, "MODEL-JSON-002", "target_modules", "a string");
  for (const char* modules : {"null", "\"all-linear\"", "[\"q_proj\"]"})
    CHECK_NOTHROW(variant("target_modules", modules));
  CHECK_NOTHROW(variant("init_lora_weights", "\"gaussian\""));
  CHECK_NOTHROW(variant("lora_alpha", "16"));
}

TEST_CASE("vltune.json comes back as it was written") {
  const TemporaryFolder t;
  hub::VltuneFile file;
  file.chat_template = {{"user", "{image}{text}"}, {"end", "</s>"}};
  file.mmca = true, file.vision_feature_layer = -2, file.vision_feature_select = FeatureSelect::patch,
  file.max_seq_len = 77;
  file.language_folder = "/models/l", file.vision_folder = "../v";
  hub::write_vltune_file(t.path, file);
  const hub::VltuneFile read = hub::read_vltune_file(Folder(t.path));
  CHECK(read.chat_template == file.chat_template);
  CHECK(read.mmca);
  CHECK(read.vision_feature_layer == -2);
  CHECK(read.vision_feature_select == FeatureSelect::patch);
  CHECK(read.max_seq_len == 77);
  CHECK(read.language_folder == "/models/l");
  CHECK(read.vision_folder == "../v");
  t.write("vltune.json", "{\"format\": 99}");
  refused([&] { hub::read_vltune_file(Folder(t.path)); }, model, "MODEL-JSON-004", "another version");
}

TEST_CASE("vltune.json that asks for what there is not is refused") {
  const TemporaryFolder t;
  hub::VltuneFile file;
  file.chat_template = {{"user", "{image}{text}"}, {"end", "</s>"}};
  hub::write_vltune_file(t.path, file);
  std::string text = read_settings(Folder(t.path).open("vltune.json"), {});
  text.replace(text.find("\"full\""), 6, "\"both\"");
  t.write("vltune.json", text);
  refused([&] { hub::read_vltune_file(Folder(t.path)); }, model, "MODEL-JSON-004", "full or patch");
  file.max_seq_len = 1;
  hub::write_vltune_file(t.path, file);
  refused([&] { hub::read_vltune_file(Folder(t.path)); }, model, "MODEL-JSON-004", "max_seq_len");
}
