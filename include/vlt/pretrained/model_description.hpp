#pragma once
#include <algorithm>
#include <memory>
#include <vlt/data/template_tokens.hpp>
#include <vlt/hub/llava_config.hpp>
#include <vlt/image/clip_processor_file.hpp>
#include <vlt/image/picture_rules.hpp>
#include <vlt/io/pretty_json.hpp>
#include <vlt/pretrained/model_kinds.hpp>
#include <vlt/program/options.hpp>
#include <vlt/text/tokenizer_folder.hpp>

namespace vlt {

// The folders a model's weights come from. Empty: there is none, the part begins anew.
struct ModelFolders {
  std::string language, vision, projector, language_adapter, vision_adapter;  // of a LLaVA the first three are one
};

// Everything about a model but its weights: sizes, tokens, how conversations and pictures are turned into its input.
struct ModelDescription {
  ModelFolders folders;
  ReadLimits limits;     // of what is read from them
  LlamaConfig language;  // as read; `language_sizes` is what is built: a larger vocabulary
  LlamaSizes language_sizes;
  ClipConfig vision;  // as read; `vision_sizes` has the layers that run
  ClipSizes vision_sizes;
  std::string projector_kind, mask;  // baseline, vit, perceiver or mlp; Causal or Mmca
  ProjectorSizes projector_sizes;
  Index vision_feature_layer = -1, tokens_per_image = 0, max_seq_len = 0;
  TokenizerFolder tokenizer_folder;
  std::shared_ptr<const Tokenizer> tokenizer;
  std::string template_name;
  ChatTemplate chat_template;
  ClipProcessorFile processor;
  std::string processor_text;                                  // the file, to be passed on
  std::optional<LlavaConfig> llava;                            // of a model that is one LLaVA folder
  std::vector<std::pair<std::string, std::string>> passed_on;  // name, bytes: files of that folder, as they are

  std::string architecture() const { return llava ? llava->architecture() : "default"; }
  // What pictures become: tokens_per_image in their order or, if the processor has a grid, those of several tiles.
  PictureRules pictures() const {
    if (processor.grid.empty()) return tokens_per_image;
    return {processor, vision_sizes.image / vision_sizes.patch};
  }
  bool drops_class_token() const { return vision_sizes.drop_class; }
};

namespace describe_model {

[[noreturn]] inline void refuse_model(Complaint c) { throw Error(ExitCode::model, std::move(c)); }

// How many layers of the tower run, from the index of a hidden state: -1 is the last layer's, 0 the embeddings. Nothing
// if there is no such state.
inline std::optional<Index> layers_to_run(Index layer, Index depth) {
  const Index run = layer < 0 ? depth + 1 + layer : layer;
  return run < 0 || run > depth ? std::nullopt : std::optional(run);
}
inline std::string feature_layers(Index depth) {
  return "-" + std::to_string(depth + 1) + " to " + std::to_string(depth);
}

inline void read_tokenizer(ModelDescription& m, const std::string& folder) {
  m.tokenizer_folder = read_tokenizer_folder(folder, m.limits);
  add_image_and_pad_tokens(m.tokenizer_folder);
  m.tokenizer = std::make_shared<const Tokenizer>(m.tokenizer_folder.file);
}

// A processor_config.json also describes what is no image processor, and may have none. Leaves its own object.
inline bool only_image_processor(std::string& text, const std::string& name) {
  const boost::json::value value = parse_json(text, name);
  const auto part = Json(value, name + ": $").find("image_processor");
  if (part) text = pretty_json(part->object());
  return part.has_value();
}

inline void read_processor(ModelDescription& m, const std::string& path) {
  const Folder folder(path);
  for (const char* name : {"preprocessor_config.json", "processor_config.json"}) {
    const auto file = folder.find(name);
    if (!file) continue;
    m.processor_text = read_settings(*file, m.limits);
    if (std::string_view(name).starts_with("processor") && !only_image_processor(m.processor_text, file->name()))
      continue;
    m.processor = parse_clip_processor(m.processor_text, folder.name_of(name));
    if (m.processor.crop != m.vision.sizes.image)
      refuse_model(Complaint("MODEL-PROC-002", "the pictures it makes do not fit the encoder")
                       .at(folder.name_of(name))
                       .expected(std::to_string(m.vision.sizes.image) + " pixels a side (image_size in config.json)")
                       .found(std::to_string(m.processor.crop)));
    if (!m.processor.grid.empty() && m.architecture() != "llava_next")
      refuse_model(Complaint("MODEL-PROC-003", "only LLaVA-NeXT cuts pictures into tiles")
                       .at(folder.name_of(name))
                       .expected("no image_grid_pinpoints")
                       .found(std::to_string(m.processor.grid.size()) + " canvases")
                       .help("use the file that came with the vision model"));
    return;
  }
  refuse_model(Complaint("MODEL-PROC-001", "there is no image processor")
                   .at(path)
                   .expected("preprocessor_config.json")
                   .found("none")
                   .help("copy it from the model's original folder"));
}

inline void read_template(ModelDescription& m, const std::string& name) {
  const TokenizerFolder& t = m.tokenizer_folder;
  m.template_name = name;
  m.chat_template = select_template(name, template_tokens(*m.tokenizer, t.eos, t.bos));
  check_template(m.chat_template, *m.tokenizer);
}

inline void choose_features(ModelDescription& m, Index layer, const std::string& select) {
  m.vision_sizes = m.vision.sizes;
  m.vision_feature_layer = layer;
  const Index depth = m.vision.sizes.depth;
  const std::optional<Index> run = layers_to_run(layer, depth);
  if (!run)
    refuse_option(Complaint("OPT-VALUE-004", "the encoder has no such hidden state")
                      .at("--vision_feature_layer")
                      .expected(feature_layers(depth))
                      .found(std::to_string(layer)));
  m.vision_sizes.depth = *run;
  m.vision_sizes.drop_class = select == "patch";
}

// What the perceiver cannot resize or divide (REF 5.3).
inline void check_perceiver(const ModelDescription& m) {
  const Index width = m.language_sizes.block.width, heads = std::max<Index>(1, width / 128);
  if (width % 4 != 0 || width % heads != 0)
    refuse_option(Complaint("OPT-PROJ-020", "it does not fit the width of the language model")
                      .at("--vis_proj perceiver")
                      .expected("a multiple of 4 and of its " + std::to_string(heads) + " heads")
                      .found(std::to_string(width)));
  const Index patches = m.vision_sizes.patches();
  Index side = 0;
  while (side * side < patches) ++side;
  if (side * side != patches)
    refuse_option(Complaint("OPT-PROJ-020", "it needs a square grid of patches")
                      .at("--vis_proj perceiver")
                      .expected("a square number")
                      .found(std::to_string(patches)));
}

// The rows that a tokenizer asks of its own model's embedding: <image> and <PAD> do not count, since a training adds
// them and lets the embedding grow.
inline Index rows_asked(const TokenizerFile& file) {
  Index rows = 0;
  const auto ask = [&](const std::string& token, std::int32_t id) {
    if (token != "<image>" && token != "<PAD>") rows = std::max(rows, Index(id) + 1);
  };
  for (const auto& [token, id] : file.model.vocab) ask(token, id);
  for (const auto& token : file.added) ask(token.content, token.id);
  return rows;
}

inline void check_vocabulary(const ModelDescription& m) {
  const Index asked = rows_asked(m.tokenizer_folder.file), rows = m.language.sizes.vocabulary;
  if (asked > rows)
    refuse_model(Complaint("MODEL-TOK-019", "the tokenizer has ids beyond the embedding's last row")
                     .at(m.tokenizer_folder.file.name)
                     .expected("at most " + std::to_string(rows) + " (vocab_size in config.json)")
                     .found(std::to_string(asked))
                     .help("use the tokenizer that belongs to this model"));
}

inline void connect(ModelDescription& m) {
  check_vocabulary(m);
  m.language_sizes = m.language.sizes;
  m.language_sizes.vocabulary = std::max(m.language_sizes.vocabulary, Index(m.tokenizer->size()));
  const Index tower_tokens = m.vision_sizes.patches() + (m.vision_sizes.drop_class ? 0 : 1);
  m.tokens_per_image = m.projector_kind == "perceiver" ? 16 * 16 : tower_tokens;
  m.projector_sizes = {m.vision_sizes.block.width, m.language_sizes.block.width, m.vision_sizes.patches(),
                       !m.vision_sizes.drop_class, m.vision_sizes.block};
  if (m.llava) m.projector_sizes.mlp = {m.llava->projector_bias, m.llava->next};
  if (m.projector_kind == "perceiver") check_perceiver(m);
}

}  // namespace describe_model

// Reads configurations, tokenizer, template and image processor; no weights. Exit 4 for what is wrong in a folder, 2
// for an option that does not fit it.
inline ModelDescription describe_base_model(const SftOptions& o) {
  namespace dm = describe_model;
  ModelDescription m;
  m.limits = o;
  m.folders.language = o.lm_model_name_or_path, m.folders.vision = o.vision_model_name_or_path;
  m.language = read_llama_config(Folder(m.folders.language), m.limits);
  m.vision = read_clip_config(Folder(m.folders.vision), m.limits);
  dm::read_tokenizer(m, m.folders.language);
  dm::read_processor(m, m.folders.vision);
  dm::read_template(m, o.chat_template);
  dm::choose_features(m, o.vision_feature_layer, o.vision_feature_select);
  m.projector_kind = o.vis_proj, m.mask = o.enable_mmca_attention ? "Mmca" : "Causal";
  m.max_seq_len = o.max_seq_len;
  dm::connect(m);
  return m;
}

}  // namespace vlt
