// Weights go to a folder and come back; every way in which a folder does not fit a model is told before it is read.
#include <unit/device.hpp>
#include <unit/hub/stored_values.hpp>
#include <unit/io/temporary_folder.hpp>
#include <vlt/hub/hf_folder.hpp>
#include <vlt/models/llama.hpp>

using namespace vlt;
using vlt::test::read_text;
using vlt::test::refused;
using vlt::test::TemporaryFolder;

namespace {

using P = Policy<under_test, Precision::f32, Tuning::frozen>;
using Store = ParameterStore<Precision::f32, under_test>;
constexpr auto model = ExitCode::model;

hub::LlamaConfig decoder_config(const char* tied, int vocabulary = 10) {
  const std::string text = R"({"model_type":"llama","hidden_size":8,"intermediate_size":12,"num_hidden_layers":2,)"
                           R"("num_attention_heads":2,"num_key_value_heads":1,"attention_bias":true,"custom":[1,2],)"
                           R"("tie_word_embeddings":)" +
                           std::string(tied) + ",\"vocab_size\":" + std::to_string(vocabulary) + "}";
  return hub::parse_llama_config(text, "config.json");
}

// A decoder with memory; every number is different.
struct StoredDecoder {
  LlamaDecoder<P> layers;
  Store store;
  explicit StoredDecoder(const LlamaSizes& sizes, float first = 0) : layers(sizes), store(list(layers)) {
    test::fill_differently(store, first);
  }
  static registry_t<P> list(LlamaDecoder<P>& layers) {
    registry_t<P> r;
    r.component = ComponentKind::language;
    vlt::collect(layers, r, "");
    return r;
  }
  std::vector<float> values() const { return test::values_of(store); }
  Index index(const std::string& name) {
    const auto& p = store.registry().params;
    for (std::size_t i = 0; i < p.size(); ++i)
      if (p[i].name() == name) return Index(i);
    return -1;
  }
  hub::LoadedWeights load(const std::string& folder, const hub::LlamaConfig& config) {
    return hub::load_folder(hub::WeightFolder(Folder(folder)), hub::language_rules(config), store);
  }
};

// Writes a folder from the tensors of another one, some of them changed on the way.
template <class Change> void rewrite(const std::string& from, const std::string& to, Change&& change) {
  const hub::WeightFolder source{Folder(from)};
  std::vector<hub::SavedTensor> list;
  for (const auto& place : source.tensors()) {
    std::vector<float> numbers(std::size_t(place.tensor->size()));
    place.file->read(*place.tensor, 0, numbers);
    hub::TensorPlan plan{place.tensor->name, place.tensor->type, place.tensor->shape};
    if (change(plan, numbers)) list.push_back({plan, [numbers](hub::SafetensorsWriter& w) { w.append(numbers); }});
  }
  make_folders(to);
  hub::write_weights(to, "model", list);
}

}  // namespace

TEST_CASE("a decoder goes to a folder and comes back, whole or in shards") {
  const TemporaryFolder t;
  const hub::LlamaConfig config = decoder_config("false");
  StoredDecoder a(config.sizes);
  for (const std::uint64_t limit : {hub::shard_bytes, std::uint64_t(600)}) {
    const std::string path = t / std::to_string(limit);
    hub::write_language_folder(path, config, 10, a.store, hub::StoredType::f32, limit);
    StoredDecoder b(config.sizes, 1000);
    const hub::LoadedWeights found = b.load(path, config);
    CHECK(b.values() == a.values());
    CHECK(found.tensors == 2 * 13 + 3);
    CHECK(found.types.at("F32") == found.tensors);
    CHECK(found.warnings.empty());
    CHECK(std::filesystem::exists(path + "/model.safetensors.index.json") == (limit == 600));
  }
  const hub::WeightFolder f{Folder(t / "600")};
  CHECK(f.find("model.layers.1.self_attn.k_proj.weight").tensor->shape == std::vector<std::uint64_t>{4, 8});
  CHECK(f.find("model.layers.1.self_attn.k_proj.bias").tensor->shape == std::vector<std::uint64_t>{4});
  CHECK(f.find("model.norm.weight").tensor->shape == std::vector<std::uint64_t>{8});
}

TEST_CASE("a written config.json differs from the read one in what changed") {
  const TemporaryFolder t;
  const hub::LlamaConfig config = decoder_config("true");
  LlamaSizes grown = config.sizes;
  grown.vocabulary = 12;
  StoredDecoder a(grown);
  hub::write_language_folder(t / "m", config, 12, a.store, hub::StoredType::bf16);
  boost::json::object json = parse_json(read_text(t / "m/config.json"), "c").as_object();
  CHECK(json.at("vocab_size") == 12);
  CHECK(json.at("torch_dtype") == "bfloat16");
  json["vocab_size"] = 10;
  json.erase("torch_dtype");
  CHECK(json == config.raw);
}

TEST_CASE("new rows of embedding and head are the mean of the old ones") {
  const TemporaryFolder t;
  const hub::LlamaConfig config = decoder_config("false");
  StoredDecoder a(config.sizes);
  hub::write_language_folder(t / "m", config, 10, a.store, hub::StoredType::f32);
  LlamaSizes grown = config.sizes;
  grown.vocabulary = 13;
  StoredDecoder b(grown, 1000);
  CHECK(b.load(t / "m", config).grown_rows == 3);
  for (const std::string name : {"model.embed_tokens.weight", "lm_head.weight"}) {
    std::vector<float> before(80), after(13 * 8);
    a.store.read(int(a.index(name)), 0, before);
    b.store.read(int(b.index(name)), 0, after);
    CHECK(std::equal(before.begin(), before.end(), after.begin()));
    for (std::size_t c = 0; c < 8; ++c) {
      double mean = 0;
      for (std::size_t r = 0; r < 10; ++r) mean += before[r * 8 + c] / 10.0;
      for (std::size_t r = 10; r < 13; ++r) CHECK(after[r * 8 + c] == Approx(mean).epsilon(1e-6));
    }
  }
}

TEST_CASE("what grows is the embedding by its role, whatever it is called") {
  struct Words {
    Embedding<P> wte{13, 8};
    param_t<P> embed_tokens{Shape{13, 8}, Role::table};
    static constexpr auto fields() {
      return members(member<"wte">(&Words::wte), member<"embed_tokens.weight">(&Words::embed_tokens));
    }
  } words;
  const TemporaryFolder t;
  const auto tensor = [](const char* name, std::uint64_t rows) {
    return hub::constant_tensor(name, {rows, 8}, 1, hub::StoredType::f32);
  };
  make_folders(t / "m");
  hub::write_weights(t / "m", "model", {tensor("wte.weight", 10), tensor("embed_tokens.weight", 13)});
  hub::WeightRules rules;
  rules.stored_vocabulary = 10;
  CHECK(hub::plan_load(registry_of<P>(words), hub::WeightFolder(Folder(t / "m")), rules).found.grown_rows == 3);
}

TEST_CASE("missing, unexpected and misshaped tensors are listed in one table") {
  const TemporaryFolder t;
  const hub::LlamaConfig config = decoder_config("false");
  StoredDecoder a(config.sizes);
  hub::write_language_folder(t / "m", config, 10, a.store, hub::StoredType::f32);
  rewrite(t / "m", t / "bad", [](hub::TensorPlan& plan, std::vector<float>& numbers) {
    if (plan.name == "model.layers.0.mlp.gate_proj.weight") return false;
    if (plan.name == "model.layers.1.input_layernorm.weight") plan.name = "model.layers.1.extra";
    if (plan.name == "model.layers.1.mlp.down_proj.weight") plan.shape = {8, 6}, numbers.resize(48);
    return true;
  });
  const auto before = a.values();
  refused([&] { a.load(t / "bad", config); }, model, "MODEL-WEIGHTS-003", "1 misshaped, 2 missing, 1 unexpected",
          "\"model.layers.0.mlp.gate_proj.weight\"", "\"model.layers.1.input_layernorm.weight\"",
          "\"model.layers.1.extra\"", "expected [8, 12] (hidden_size, intermediate_size), found [8, 6]");
  CHECK(a.values() == before);

  rewrite(t / "m", t / "none", [](hub::TensorPlan& plan, auto&) { return plan.name == "model.norm.weight"; });
  refused([&] { a.load(t / "none", config); }, model, "MODEL-WEIGHTS-003", "28 missing", "and 18 more");
  hub::LlamaConfig small = config;
  small.sizes.vocabulary = 9;  // config.json says less than the folder holds
  refused([&] { a.load(t / "m", small); }, model, "MODEL-WEIGHTS-003", "expected [9, 8]", "vocab_size");
}

TEST_CASE("known useless tensors are counted, a tied head must be the embedding") {
  const TemporaryFolder t;
  const hub::LlamaConfig config = decoder_config("true");
  StoredDecoder a(config.sizes);
  hub::write_language_folder(t / "m", config, 10, a.store, hub::StoredType::f32);
  const auto with_head = [&](const std::string& to, float change) {
    std::vector<float> embedding;
    rewrite(t / "m", to, [&](hub::TensorPlan& plan, std::vector<float>& numbers) {
      if (plan.name == "model.embed_tokens.weight") embedding = numbers;
      return true;
    });
    embedding[17] += change;
    const hub::WeightFolder source{Folder(t / "m")};
    auto list = hub::saved_tensors(a.store, ComponentKind::language, hub::same_name, hub::StoredType::f32);
    list.push_back({{"lm_head.weight", hub::StoredType::f32, {10, 8}},
                    [embedding](hub::SafetensorsWriter& w) { w.append(embedding); }});
    list.push_back(hub::constant_tensor("model.layers.0.self_attn.rotary_emb.inv_freq", {2}, 1, hub::StoredType::f32));
    hub::write_weights(to, "model", list);
  };
  with_head(t / "same", 0);
  CHECK(a.load(t / "same", config).ignored == 2);
  with_head(t / "other", 1);
  refused([&] { a.load(t / "other", config); }, model, "MODEL-WEIGHTS-005", "lm_head.weight", "tie_word_embeddings");
}

TEST_CASE("a weight that is not finite ends with exit 7 and its place") {
  const TemporaryFolder t;
  const hub::LlamaConfig config = decoder_config("false");
  StoredDecoder a(config.sizes);
  hub::write_language_folder(t / "m", config, 10, a.store, hub::StoredType::f32);
  for (const float bad : {NAN, INFINITY}) {
    rewrite(t / "m", t / "bad", [&](hub::TensorPlan& plan, std::vector<float>& numbers) {
      if (plan.name == "model.layers.1.self_attn.v_proj.bias") numbers[2] = bad;
      return true;
    });
    refused([&] { a.load(t / "bad", config); }, ExitCode::numeric, "MODEL-WEIGHTS-004", "v_proj.bias", "element 2,",
            "1 such numbers among the 4 read", std::isnan(bad) ? "nan" : "inf");
  }
}

TEST_CASE("types may be mixed: they are converted and counted") {
  const TemporaryFolder t;
  const hub::LlamaConfig config = decoder_config("false");
  StoredDecoder a(config.sizes);
  hub::write_language_folder(t / "m", config, 10, a.store, hub::StoredType::f32);
  rewrite(t / "m", t / "mixed", [](hub::TensorPlan& plan, auto&) {
    if (plan.name.find("norm") != plan.name.npos) plan.type = hub::StoredType::f64;
    if (plan.name == "model.layers.0.self_attn.q_proj.bias") plan.type = hub::StoredType::bf16;
    return true;
  });
  StoredDecoder b(config.sizes, 1000);
  const hub::LoadedWeights found = b.load(t / "mixed", config);
  CHECK(found.types.at("F64") == 5);
  CHECK(found.types.at("BF16") == 1);
  const auto x = a.values(), y = b.values();
  for (std::size_t i = 0; i < x.size(); ++i) CHECK(y[i] == Approx(x[i]).epsilon(0.004));
}
