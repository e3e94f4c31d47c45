#pragma once
#include <iostream>
#include <sstream>
#include <unit/device.hpp>
#include <unit/image/pictures.hpp>
#include <unit/io/temporary_folder.hpp>
#include <vlt/image/png_encoder.hpp>
#include <vlt/optim/initialise.hpp>
#include <vlt/pretrained/build_model.hpp>
#include <vlt/pretrained/export_model.hpp>
#include <vlt/program/complain.hpp>
#include <vlt/program/kinds.hpp>
#include <vlt/text/bpe_trainer.hpp>

// Programs that know one kind of everything, a small model for them in folders, and records with pictures.
namespace small_program {
using namespace vlt;
using vlt::test::TemporaryFolder;

using P = Policy<under_test, Precision::f32>;

struct Build {
  static constexpr const char* version = "7.8.9";
  using policies = TypeList<P>;
  using projectors = TypeList<BaselineKind>;
  using families = TypeList<LlamaFamily>;
  using masks = ValueList<MaskKind::causal>;
  using tunings = ValueList<Tuning::trainable>;
};
inline const program::Kinds<Build>& kinds() {
  static const program::Kinds<Build> all;
  return all;
}

// What a program said and how it ended.
struct Ran {
  int exit;
  std::string out, errors;
};

inline constexpr int picture_side = 8;
inline constexpr Index tokens_per_image = 5;  // patches of four pixels a side, and the class token
inline constexpr const char* letters = "abcdefgh";

// rows: of the embedding.
inline hub::LlamaConfig language_config(int rows) {
  return hub::parse_llama_config(std::string(R"({"model_type": "llama", "hidden_size": 16, "intermediate_size": 24,
    "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1,
    "rms_norm_eps": 1e-5, "rope_theta": 100, "hidden_act": "silu", "tie_word_embeddings": false,
    "max_position_embeddings": 512, "vocab_size": )") +
                                     std::to_string(rows) + "}",
                                 "language");
}
inline hub::ClipConfig vision_config() {
  return hub::parse_clip_config(R"({"model_type": "clip_vision_model", "hidden_size": 12, "intermediate_size": 20,
    "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 8, "patch_size": 4,
    "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5})",
                                "vision");
}
// whole: with <PAD> and <image>, which a training adds otherwise.
inline text::TokenizerFolder tokenizer(bool whole) {
  std::vector<std::string> special{"<s>", "</s>"};
  if (whole) special.insert(special.end(), {"<PAD>", "<image>"});
  text::BpeTrainer trainer({.vocabulary = 256 + special.size(), .least_count = 2, .special_tokens = special});
  return text::make_tokenizer_folder(trainer.train(), "<s>", "</s>", whole ? "<PAD>" : "");
}

// A model that answers in letters: the other rows of its head are zero, and the letters' come in opposite pairs, so
// that one of them is always the likeliest. It never ends an answer.
inline void speak_letters(store_t<P>& store, const text::Tokenizer& words) {
  const auto& params = store.registry().params;
  for (int i = 0; i < int(params.size()); ++i) {
    if (params[std::size_t(i)].name() != "lm_head.weight") continue;
    std::vector<float> row(16);
    const auto rows = params[std::size_t(i)].value->rows;
    for (Index r = 0; r < rows; ++r) store.write(i, r, row);
    for (std::size_t l = 0; l < 8; ++l) {
      const RandomStream random{1, l / 2};
      for (std::size_t c = 0; c < row.size(); ++c) row[c] = float((l % 2 ? -1 : 1) * random.normal(c));
      store.write(i, words.id(std::string(1, letters[l])), row);
    }
  }
}

// Folders of a language model, stored in a type, and of a vision model. grows: its tokenizer has no <image>.
inline void write_models(const TemporaryFolder& t, hub::StoredType type = hub::StoredType::f32, bool grows = false) {
  const hub::LlamaConfig language = language_config(grows ? 258 : 260);
  const hub::ClipConfig vision = vision_config();
  const text::TokenizerFolder words = tokenizer(!grows);
  AnyVlm<P> model{make_vision<P>(vision.sizes, false),
                  make_projector<P, BaselineKind>({12, 16, 4, true, vision.sizes.block}),
                  make_language<P, LlamaFamily, MaskKind::causal>(language.sizes, false)};
  registry_t<P> registry = registry_of<P>(model);
  for (auto& p : registry.params)
    if (p.init.kind == Init::normal) p.init.scale = 0.7;
  store_t<P> store(registry);
  Threads threads(1);
  initialise(store, threads, 1);
  speak_letters(store, text::Tokenizer(words.file));
  const auto f32 = hub::StoredType::f32;
  const std::string norm = "vision_model.post_layernorm.";
  hub::write_language_folder(t / "language", language, language.sizes.vocabulary, store, type);
  text::write_tokenizer_folder(words, t / "language");
  hub::write_vision_folder(
      t / "vision", vision, store, hub::clip_names(true), {}, f32,
      {hub::constant_tensor(norm + "weight", {12}, 1, f32), hub::constant_tensor(norm + "bias", {12}, 0, f32)});
  t.write("vision/preprocessor_config.json", R"({"size": 8, "crop_size": 8})");
}

// As a run exports it: the model of write_models, with adapters of rank 2 that do something, if they are asked for.
// size: of their numbers.
inline void export_model(const TemporaryFolder& t, const std::string& name, bool adapters, double size = 0.5) {
  BaseModelRequest asked;
  asked.language_folder = t / "language", asked.vision_folder = t / "vision", asked.chat_template = "plain";
  const ModelDescription m = describe_base_model(kinds().known(), asked);
  TrainingChoice choice;
  choice.embedding = false;
  if (adapters) {
    choice.language_adapters = {2, 4, {"q_proj", "down_proj"}, {blame_option, "test"}};
    choice.vision_adapters = {2, 4, {"fc1"}, {blame_option, "test"}};
  }
  AnyVlm<P> model = ModelBuilder<P>(kinds().models<P>(), kinds().compiled(), m).build(choice, false);
  registry_t<P> registry = registry_of<P>(model);
  ModelWeights<P> weights(registry, m);
  store_t<P> store(registry);
  Threads threads(1);
  const WeightOrigin origin = weights.read_into(store, threads, 3);
  const auto& params = store.registry().params;
  for (int i = 0; i < int(params.size()); ++i) {
    const auto& p = params[std::size_t(i)];
    if (!p.adapter) continue;
    std::vector<float> values(std::size_t(p.value->size()));
    const RandomStream random{5, stream_of(p.name())};
    for (std::size_t e = 0; e < values.size(); ++e) values[e] = float(size * random.normal(e));
    store.write(i, 0, values);
  }
  ModelExport<P>(m, origin, choice).write(t / name, store);
}

// A record of a data set.
struct Said {
  std::string question, answer;
};
inline boost::json::object record(const std::string& id, const std::vector<std::string>& images,
                                  const std::vector<Said>& turns) {
  boost::json::array conversation;
  for (const Said& s : turns) {
    conversation.push_back(boost::json::object{{"from", "human"}, {"value", s.question}});
    conversation.push_back(boost::json::object{{"from", "gpt"}, {"value", s.answer}});
  }
  boost::json::object all{{"id", id}, {"conversations", std::move(conversation)}};
  if (images.size() == 1) all["image"] = images.front();
  else if (!images.empty()) all["image"] = boost::json::array(images.begin(), images.end());
  return all;
}
inline void write_records(const TemporaryFolder& t, const std::string& name, const boost::json::array& records) {
  t.write(name, boost::json::serialize(records));
}
// images/0.png, 1.png and so on: each unlike the others.
inline void write_pictures(const TemporaryFolder& t, int count) {
  for (int i = 0; i < count; ++i) {
    image::Image picture = test::drawn(picture_side, picture_side);
    for (std::size_t e = 0; e < picture.pixels.size(); ++e)
      picture.pixels[e] = std::uint8_t(picture.pixels[e] * (i + 1) + 40 * i);
    t.write("images/" + std::to_string(i) + ".png", image::encode_png(picture));
  }
}

// A command line from several, of which later ones overrule what earlier ones say of an option.
inline std::vector<std::string> command(const std::vector<std::vector<std::string>>& lines) {
  std::vector<std::vector<std::string>> options;  // name, values
  for (const auto& line : lines)
    for (auto word = line.begin(); word != line.end();) {
      const auto end = std::find_if(word + 1, line.end(), [](const auto& w) { return w.starts_with("--"); });
      std::erase_if(options, [&](const auto& o) { return o.front() == *word; });
      options.emplace_back(word, end);
      word = end;
    }
  std::vector<std::string> words;
  for (const auto& o : options) words.insert(words.end(), o.begin(), o.end());
  return words;
}

// Lines of JSON.
inline std::vector<boost::json::object> json_lines(const std::string& text) {
  std::vector<boost::json::object> all;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);)
    if (line.starts_with('{')) all.push_back(boost::json::parse(line).as_object());
  return all;
}

// Runs a program's main, which writes to the terminal.
template <class Main> Ran run_main(Main&& main, std::vector<std::string> words) {
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  std::ostringstream out, errors;
  std::streambuf *const old_out = std::cout.rdbuf(out.rdbuf()), *const old_errors = std::cerr.rdbuf(errors.rdbuf());
  const int code = main(int(argv.size()), argv.data(), kinds());
  std::cout.rdbuf(old_out), std::cerr.rdbuf(old_errors);
  return {code, out.str(), errors.str()};
}

}  // namespace small_program
