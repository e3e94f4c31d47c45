// config.json of decoders and towers: what transformers 4 and 5 write, and what is refused by name.
#include <unit/io/temporary_folder.hpp>
#include <vlt/hub/model_config.hpp>

using namespace vlt;
using vlt::test::refused;
using vlt::test::TemporaryFolder;

namespace {

constexpr auto model = ExitCode::model;
constexpr const char* llama_text =
    R"({"model_type": "llama", "hidden_size": 64, "intermediate_size": 160, "num_hidden_layers": 3,
        "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 1000, "rms_norm_eps": 1e-5,
        "max_position_embeddings": 512, "rope_theta": 50000.0})";
constexpr const char* clip_text =
    R"({"model_type": "clip_vision_model", "hidden_size": 48, "intermediate_size": 96, "num_hidden_layers": 2,
        "num_attention_heads": 3, "image_size": 64, "patch_size": 16, "hidden_act": "gelu", "layer_norm_eps": 1e-6})";

// The text with one key set to a value, or removed.
std::string with(const char* text, const char* key, const char* value) {
  boost::json::object o = parse_json(text, "f").as_object();
  if (value) o[key] = parse_json(value, "value");
  else o.erase(key);
  return boost::json::serialize(o);
}
hub::LlamaConfig llama(const char* key, const char* value) {
  return hub::parse_llama_config(with(llama_text, key, value), "config.json");
}
hub::ClipConfig clip(const char* key, const char* value) {
  return hub::parse_clip_config(with(clip_text, key, value), "config.json");
}

}  // namespace

TEST_CASE("a decoder's sizes are read") {
  const hub::LlamaConfig c = hub::parse_llama_config(llama_text, "config.json");
  const BlockSizes& b = c.sizes.block;
  CHECK(b.width == 64);
  CHECK(b.mlp == 160);
  CHECK(b.heads == 4);
  CHECK(b.kv_heads == 2);
  CHECK(b.head_dim == 16);
  CHECK(b.norm_eps == 1e-5);
  CHECK(c.sizes.depth == 3);
  CHECK(c.sizes.vocabulary == 1000);
  CHECK(c.max_position == 512);
  CHECK(c.raw == parse_json(llama_text, "f").as_object());
  CHECK((c.model_type == "llama" && c.family == "llama"));
  CHECK((llama("model_type", "\"qwen2\"").model_type == "qwen2" && llama("model_type", "\"qwen2\"").family == "llama"));
  CHECK(llama("max_position_embeddings", nullptr).max_position == 2048);
  CHECK(hub::LlamaConfig{}.max_position == 2048);
  CHECK(llama("max_position_embeddings", "9007199254740992").max_position == Index(1) << 53);
  CHECK_FALSE(c.sizes.tied);
  CHECK_FALSE((b.qkv_bias || b.output_bias || b.mlp_bias));
  REQUIRE(b.rope.frequency.size() == 8);
  CHECK(b.rope.frequency[1] == Approx(std::pow(50000.0, -2.0 / 16)).epsilon(1e-14));
  CHECK(llama("num_key_value_heads", nullptr).sizes.block.kv_heads == 4);
  CHECK(llama("head_dim", "32").sizes.block.head_dim == 32);
  CHECK(llama("tie_word_embeddings", "true").sizes.tied);
  CHECK(llama("mlp_bias", "true").sizes.block.mlp_bias);
  CHECK(llama("rms_norm_eps", nullptr).sizes.block.norm_eps == 1e-6);
}

TEST_CASE("kinds of decoders differ in their biases and windows") {
  const auto bias = [](const hub::LlamaConfig& c) {
    return std::pair(c.sizes.block.qkv_bias, c.sizes.block.output_bias);
  };
  CHECK(bias(llama("attention_bias", "true")) == std::pair(true, true));
  CHECK(bias(llama("model_type", "\"qwen2\"")) == std::pair(true, false));
  CHECK(bias(llama("model_type", "\"mistral\"")) == std::pair(false, false));
  CHECK_NOTHROW(llama("sliding_window", "4096"));  // means nothing to llama
  const std::string mistral = with(llama_text, "model_type", "\"mistral\"");
  refused([&] { hub::parse_llama_config(with(mistral.c_str(), "sliding_window", "4096"), "c"); }, model,
          "MODEL-JSON-004", "sliding", "4096");
  refused([] { llama("use_sliding_window", "true"); }, model, "MODEL-JSON-004", "sliding");
  refused([] { llama("layer_types", R"(["full_attention", "sliding_attention"])"); }, model, "MODEL-JSON-004",
          "$.layer_types[1]");
  refused([] { llama("layer_types", R"(["sliding_attention"])"); }, model, "MODEL-JSON-004", "$.layer_types[0]");
  CHECK_NOTHROW(llama("layer_types", R"(["full_attention", "full_attention"])"));
  CHECK_NOTHROW(llama("use_sliding_window", "false"));
  refused([] { llama("model_type", "\"gpt2\""); }, model, "MODEL-JSON-004", "\"gpt2\"", "llama, mistral or qwen2");
}

TEST_CASE("rotary positions in the forms of transformers 4 and 5") {
  const auto old_form = [](const char* v) { return llama("rope_scaling", v).sizes.block.rope; };
  const auto new_form = [](const char* v) { return llama("rope_parameters", v).sizes.block.rope; };
  const Rope plain = hub::parse_llama_config(llama_text, "c").sizes.block.rope;
  CHECK(old_form(R"({"type": "linear", "factor": 4.0})").frequency[3] == plain.frequency[3] / 4);
  CHECK(new_form(R"({"rope_type": "linear", "factor": 2, "rope_theta": 50000.0})").frequency[3] ==
        plain.frequency[3] / 2);
  CHECK(new_form(R"({"rope_type": "default", "rope_theta": 100.0})").frequency[1] ==
        Approx(std::pow(100.0, -0.125)).epsilon(1e-14));
  const Rope dynamic = old_form(R"({"rope_type": "dynamic", "factor": 2.0})");
  CHECK(dynamic.dynamic_factor == 2);
  CHECK(dynamic.trained_length == 512);
  CHECK(dynamic.frequency == plain.frequency);
  CHECK(old_form("null").frequency == plain.frequency);

  // Llama 3.1: turns in the trained length decide. 256 / wavelength >= 4: kept; <= 1: divided by 8; between: mixed.
  const Rope l3 = new_form(R"({"rope_type": "llama3", "rope_theta": 50000.0, "factor": 8.0, "low_freq_factor": 1.0,
                              "high_freq_factor": 4.0, "original_max_position_embeddings": 256})");
  for (std::size_t i = 0; i < 8; ++i) {
    const double f = plain.frequency[i], turns = 256 * f / (2 * 3.141592653589793);
    const double mix = std::min(1.0, std::max(0.0, (turns - 1) / 3));
    CHECK(l3.frequency[i] == Approx((1 - mix) * f / 8 + mix * f).epsilon(1e-13));
  }
  refused([&] { old_form(R"({"rope_type": "yarn", "factor": 2})"); }, model, "MODEL-JSON-004", "\"yarn\"", "llama3");
  refused([&] { old_form(R"({"type": "linear"})"); }, model, "MODEL-JSON-003", "factor");
  refused([&] { old_form(R"({"type": "linear", "factor": 0.5})"); }, model, "MODEL-JSON-004", "at least 1");
  for (const auto& [key, value] : {std::pair("factor", 0.5),
                                   {"low_freq_factor", 0},
                                   {"low_freq_factor", 4},
                                   {"original_max_position_embeddings", 0}}) {
    boost::json::object o{{"rope_type", "llama3"},
                          {"factor", 1},
                          {"low_freq_factor", 1},
                          {"high_freq_factor", 4},
                          {"original_max_position_embeddings", 256}};
    CHECK_NOTHROW(new_form(boost::json::serialize(o).c_str()));
    o[key] = value;
    refused([&] { new_form(boost::json::serialize(o).c_str()); }, model, "MODEL-JSON-004", "impossible factors");
  }
  CHECK(old_form(R"({"type": "linear", "factor": 1})").frequency == plain.frequency);
  CHECK_NOTHROW(llama("partial_rotary_factor", "1"));
  refused([&] { new_form(R"({"rope_type": "default", "partial_rotary_factor": 0.5})"); }, model, "MODEL-JSON-004",
          "part of each head");
  refused([&] { llama("rope_theta", "1"); }, model, "MODEL-JSON-004", "above 1");
  CHECK(llama("rope_theta", nullptr).sizes.block.rope.frequency[1] == Approx(std::pow(10000.0, -0.125)).epsilon(1e-14));
  refused([&] { llama("partial_rotary_factor", "0.5"); }, model, "MODEL-JSON-004", "part of each head");
  refused([&] { llama("rope_theta", "-1"); }, model, "MODEL-JSON-004", "above 1");
}

TEST_CASE("impossible decoders are refused with the key") {
  refused([] { llama("hidden_size", "\"64\""); }, model, "MODEL-JSON-002", "$.hidden_size", "an integer", "\"64\"");
  refused([] { llama("hidden_size", nullptr); }, model, "MODEL-JSON-003", "\"hidden_size\" is missing");
  refused([] { llama("hidden_size", "66"); }, model, "MODEL-JSON-004", "num_attention_heads");
  refused([] { llama("num_key_value_heads", "3"); }, model, "MODEL-JSON-004", "divisor of 4");
  refused([] { llama("vocab_size", "0"); }, model, "MODEL-JSON-004", "positive", "0");
  refused([] { llama("intermediate_size", "-5"); }, model, "MODEL-JSON-004", "-5");
  refused([] { llama("head_dim", "15"); }, model, "MODEL-JSON-004", "odd");
  refused([] { llama("rms_norm_eps", "0"); }, model, "MODEL-JSON-004", "epsilon");
  refused([] { llama("hidden_act", "\"relu\""); }, model, "MODEL-JSON-004", "relu");
  refused([] { llama("quantization_config", "{\"bits\": 4}"); }, model, "MODEL-JSON-004", "quantized");
  refused([] { llama("max_position_embeddings", "9007199254740993"); }, model, "MODEL-JSON-004", "at most 2^53");
  const auto absurd = [](const std::vector<std::pair<const char*, const char*>>& changes, const char* parameters) {
    std::string text = llama_text;
    for (const auto& [key, value] : changes) text = with(text.c_str(), key, value);
    refused([&] { hub::parse_llama_config(text, "c"); }, ExitCode::memory, "PLAN-SIZE-001", parameters);
  };
  // A layer has 64 x 16 x (2 x 4 + 2 x 2) numbers of attention and 3 x 64 for each row of its MLP.
  absurd({{"num_hidden_layers", "1099511627776"}}, "4.73e+16 parameters");
  absurd({{"num_hidden_layers", "1099511627776"}, {"intermediate_size", "1"}}, "1.37e+16 parameters");
  absurd({{"vocab_size", "4398046511104"}}, "5.63e+14 parameters");
  absurd({{"vocab_size", "4398046511104"}, {"tie_word_embeddings", "true"}}, "2.81e+14 parameters");
  refused([] { hub::parse_llama_config("{", "config.json"); }, model, "MODEL-JSON-001", "config.json:1:2");
}

TEST_CASE("a tower's sizes are read, of a whole CLIP too") {
  const hub::ClipConfig c = hub::parse_clip_config(clip_text, "config.json");
  CHECK(c.sizes.block.width == 48);
  CHECK(c.sizes.block.head_dim == 16);
  CHECK(c.sizes.depth == 2);
  CHECK(c.sizes.patches() == 16);
  CHECK(c.sizes.block.activation == Activation::gelu);
  CHECK(c.sizes.block.norm_eps == 1e-6);
  CHECK((c.sizes.block.qkv_bias && c.sizes.block.output_bias && c.sizes.block.mlp_bias));
  CHECK(clip("hidden_act", nullptr).sizes.block.activation == Activation::quick_gelu);
  const hub::ClipConfig whole = hub::parse_clip_config(
      R"({"model_type": "clip", "vision_config": {"hidden_size": 96, "patch_size": 14, "dropout": 0.5}})", "c");
  CHECK(whole.sizes.block.width == 96);
  CHECK(whole.sizes.block.mlp == 3072);  // what transformers leaves out
  CHECK(whole.sizes.depth == 12);
  const auto again = hub::parse_clip_config(boost::json::serialize(whole.raw), "c");
  CHECK(again.sizes.block.width == 96);
  CHECK(again.sizes.patch == 14);
  CHECK(whole.raw.at("model_type") == "clip_vision_model");
  CHECK(whole.raw.at("dropout") == 0.5);
  CHECK(whole.raw.at("architectures") == boost::json::array{"CLIPVisionModel"});
  const hub::ClipConfig silent = hub::parse_clip_config(R"({"model_type": "clip", "vision_config": {}})", "c");
  const BlockSizes& b = silent.sizes.block;
  CHECK((b.width == 768 && b.mlp == 3072 && b.heads == 12 && b.kv_heads == 12 && b.head_dim == 64));
  CHECK((silent.sizes.depth == 12 && silent.sizes.image == 224 && silent.sizes.patch == 32));
  CHECK(b.norm_eps == 1e-5);
  for (const auto& [key, size] : {std::pair("hidden_size", 768),
                                  {"intermediate_size", 3072},
                                  {"num_attention_heads", 12},
                                  {"num_hidden_layers", 12},
                                  {"image_size", 224},
                                  {"patch_size", 32}})
    CHECK(silent.raw.at(key) == size);
  CHECK(clip("hidden_act", "\"gelu_new\"").sizes.block.activation == Activation::gelu_tanh);
  CHECK(clip("hidden_act", "\"gelu_pytorch_tanh\"").sizes.block.activation == Activation::gelu_tanh);
  CHECK(clip("hidden_act", "\"quick_gelu\"").sizes.block.activation == Activation::quick_gelu);
  CHECK(clip("image_size", "16").sizes.patches() == 1);
  CHECK(clip("image_size", "4096").sizes.image == 4096);
  refused([] { clip("image_size", "4097"); }, model, "MODEL-JSON-004", "at most 4096");
  refused([] { clip("layer_norm_eps", "0"); }, model, "MODEL-JSON-004", "$.layer_norm_eps", "epsilon");
  refused([] { clip("quantization_config", "{}"); }, model, "MODEL-JSON-004", "quantized");
  // 2 x 2 x (2 + 2) + 2 x 2 x 12 numbers a layer: 2^6.
  const std::string tiny = with(with(with(clip_text, "hidden_size", "2").c_str(), "num_attention_heads", "1").c_str(),
                                "intermediate_size", "12");
  const auto deep = [&](const char* layers) {
    return hub::parse_clip_config(with(tiny.c_str(), "num_hidden_layers", layers), "c");
  };
  CHECK(deep("1099511627775").sizes.depth == 1099511627775);
  refused([&] { deep("1099511627776"); }, ExitCode::memory, "PLAN-SIZE-001", "7.04e+13 parameters");
  refused([] { clip("model_type", "\"siglip\""); }, model, "MODEL-JSON-004", "\"siglip\"", "clip_vision_model");
  refused([] { clip("num_channels", "1"); }, model, "MODEL-JSON-004", "3 channels");
  refused([] { clip("image_size", "8"); }, model, "MODEL-JSON-004", "patch");
  refused([] { clip("num_attention_heads", "5"); }, model, "MODEL-JSON-004", "multiple of 5");
  refused([] { clip("hidden_size", nullptr); }, model, "MODEL-JSON-003", "hidden_size");
  refused([] { clip("hidden_act", "\"tanh\""); }, model, "MODEL-JSON-004", "tanh");
}

TEST_CASE("a folder without config.json is answered with what is there") {
  const TemporaryFolder t;
  refused([&] { hub::read_decoder_config(Folder(t.path), std::vector{hub::llama_facts()}); }, model, "MODEL-CONFIG-001",
          "an empty folder");
  t.write("weights.bin", "x");
  refused([&] { hub::read_clip_config(Folder(t.path)); }, model, "MODEL-CONFIG-001", "\"weights.bin\"");
  t.write("another", "x");
  refused([&] { hub::read_clip_config(Folder(t.path)); }, model, "MODEL-CONFIG-001",
          "these files: \"another\", \"weights.bin\"");
  t.write("config.json", llama_text);
  CHECK(hub::read_decoder_config(Folder(t.path), std::vector{hub::llama_facts()}).sizes.depth == 3);
  t.write("config.json", std::string(2 << 20, ' '));
  refused([&] { hub::read_decoder_config(Folder(t.path), std::vector{hub::llama_facts()}); }, model, "MODEL-FILE-003",
          "1048576", "--limit_config_bytes");
}
