#pragma once
#include <string>
#include <vlt/hub/hf_folder.hpp>
#include <vlt/models/clip_vit.hpp>
#include <vlt/models/llama.hpp>
#include <vlt/optim/initialise.hpp>
#include <vlt/text/bpe_trainer.hpp>
#include <vlt/text/tokenizer_folder.hpp>

#include "scene.hpp"

namespace shapes {

using Untrained = vlt::Policy<vlt::Device::cpu, vlt::Precision::f32, vlt::Tuning::frozen>;

// Of the weights; small models learn sooner from wider values than the usual 0.02.
inline constexpr double initial_deviation = 0.07;

// Where a patch is, in waves along its row and along its column: a tower that begins with them need not first learn
// that neighbours are neighbours. Element `i` of `width`; place 0 is the class token.
inline float wave_position(int place, int i, int width, int patches_a_side) {
  if (place == 0) return 0;
  const int along = i < width / 2 ? (place - 1) / patches_a_side : (place - 1) % patches_a_side;
  const int j = i % (width / 2);
  const double angle = (along + 0.5) / patches_a_side * 3.14159265358979 * (1 + j / 2 % 4);
  return static_cast<float>(j % 2 == 0 ? std::sin(angle) : std::cos(angle));
}

// Gives a model its initial values and its memory.
template <class Model> class Weights {
 public:
  Weights(Model model, vlt::ComponentKind component, std::uint64_t seed)
      : model_(std::move(model)), store_(list(component)) {
    vlt::Threads threads(1);
    vlt::initialise(store_, threads, seed);
  }
  auto& store() { return store_; }

  void write_wave_positions(int width, int patches_a_side) {
    const auto& params = store_.registry().params;
    for (int i = 0; i < static_cast<int>(params.size()); ++i) {
      if (!params[i].name().ends_with("position_embedding.weight")) continue;
      std::vector<float> row(width);
      for (int place = 0; place <= patches_a_side * patches_a_side; ++place) {
        for (int j = 0; j < width; ++j) row[j] = wave_position(place, j, width, patches_a_side);
        store_.write(i, place, row);
      }
    }
  }

 private:
  Model model_;
  vlt::store_t<Untrained> store_;

  vlt::registry_t<Untrained> list(vlt::ComponentKind component) {
    vlt::registry_t<Untrained> registry;
    registry.component = component;
    vlt::collect(model_, registry, "");
    for (auto& p : registry.params)
      if (p.init.kind == vlt::Init::normal) p.init.scale = initial_deviation;
    return registry;
  }
};

// A byte-level tokenizer learnt from the text; bos, eos and pad are its first ids.
inline vlt::text::TokenizerFolder train_tokenizer(const std::vector<std::string>& texts, std::size_t vocabulary) {
  vlt::text::BpeTrainerOptions options;
  options.vocabulary = vocabulary;
  options.special_tokens = {"<s>", "</s>", "<PAD>"};
  vlt::text::BpeTrainer trainer(options);
  for (const std::string& text : texts) trainer.feed(text);
  return vlt::text::make_tokenizer_folder(trainer.train(), "<s>", "</s>", "<PAD>");
}

// A LLaMA-shaped decoder with random weights, as a folder that transformers loads too.
inline void write_language_model(const std::string& path, const vlt::text::TokenizerFolder& tokenizer,
                                 std::uint64_t seed) {
  const boost::json::object config{{"architectures", {"LlamaForCausalLM"}},
                                   {"model_type", "llama"},
                                   {"hidden_size", 128},
                                   {"intermediate_size", 352},
                                   {"num_hidden_layers", 4},
                                   {"num_attention_heads", 4},
                                   {"num_key_value_heads", 4},
                                   {"head_dim", 32},
                                   {"hidden_act", "silu"},
                                   {"max_position_embeddings", 512},
                                   {"initializer_range", initial_deviation},
                                   {"rms_norm_eps", 1e-5},
                                   {"rope_theta", 10000.0},
                                   {"rope_scaling", nullptr},
                                   {"attention_bias", false},
                                   {"mlp_bias", false},
                                   {"attention_dropout", 0.0},
                                   {"tie_word_embeddings", false},
                                   {"bos_token_id", 0},
                                   {"eos_token_id", 1},
                                   {"pad_token_id", 2},
                                   {"use_cache", true},
                                   {"vocab_size", vlt::text::vocabulary_size(tokenizer.file)},
                                   {"torch_dtype", "float32"}};
  const auto parsed = vlt::hub::parse_llama_config(boost::json::serialize(config), path + "/config.json");
  Weights weights(vlt::LlamaDecoder<Untrained>(parsed.sizes), vlt::ComponentKind::language, seed);
  vlt::hub::write_language_folder(path, parsed, parsed.sizes.vocabulary, weights.store(), vlt::hub::StoredType::f32);
  vlt::text::write_tokenizer_folder(tokenizer, path);
}

// A CLIP-shaped vision tower with random weights for the pictures drawn here, and how to prepare them.
inline void write_vision_model(const std::string& path, std::uint64_t seed) {
  const boost::json::object config{{"architectures", {"CLIPVisionModel"}},
                                   {"model_type", "clip_vision_model"},
                                   {"hidden_size", 96},
                                   {"intermediate_size", 384},
                                   {"projection_dim", 96},
                                   {"num_hidden_layers", 2},
                                   {"num_attention_heads", 3},
                                   {"num_channels", 3},
                                   {"image_size", picture_pixels},
                                   {"patch_size", cell_pixels},
                                   {"hidden_act", "quick_gelu"},
                                   {"layer_norm_eps", 1e-5},
                                   {"attention_dropout", 0.0},
                                   {"initializer_range", initial_deviation},
                                   {"initializer_factor", 1.0},
                                   {"torch_dtype", "float32"}};
  const auto parsed = vlt::hub::parse_clip_config(boost::json::serialize(config), path + "/config.json");
  const auto width = static_cast<std::uint64_t>(parsed.sizes.block.width);
  Weights weights(vlt::ClipVit<Untrained>(parsed.sizes), vlt::ComponentKind::vision, seed);
  weights.write_wave_positions(static_cast<int>(width), static_cast<int>(parsed.sizes.image / parsed.sizes.patch));
  const std::string norm = "vision_model.post_layernorm.";
  vlt::hub::write_vision_folder(path, parsed, weights.store(), vlt::hub::clip_names(true), {},
                                vlt::hub::StoredType::f32,
                                {vlt::hub::constant_tensor(norm + "weight", {width}, 1, vlt::hub::StoredType::f32),
                                 vlt::hub::constant_tensor(norm + "bias", {width}, 0, vlt::hub::StoredType::f32)});
  const boost::json::object processor{{"image_processor_type", "CLIPImageProcessor"},
                                      {"do_resize", true},
                                      {"size", {{"shortest_edge", picture_pixels}}},
                                      {"do_center_crop", true},
                                      {"crop_size", {{"height", picture_pixels}, {"width", picture_pixels}}},
                                      {"do_rescale", true},
                                      {"rescale_factor", 1 / 255.0},
                                      {"do_normalize", true},
                                      {"do_convert_rgb", true},
                                      {"resample", 3},
                                      {"image_mean", {0.3, 0.3, 0.3}},
                                      {"image_std", {0.25, 0.25, 0.25}}};
  vlt::write_file(path + "/preprocessor_config.json", vlt::pretty_json(processor));
}

}  // namespace shapes
