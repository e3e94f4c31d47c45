#pragma once
#include <algorithm>
#include <initializer_list>
#include <memory>
#include <vlt/data/template_tokens.hpp>
#include <vlt/hub/llava_config.hpp>
#include <vlt/image/clip_processor_file.hpp>
#include <vlt/image/picture_rules.hpp>
#include <vlt/io/pretty_json.hpp>
#include <vlt/ops/mask.hpp>
#include <vlt/pretrained/known_kinds.hpp>
#include <vlt/text/tokenizer_folder.hpp>

namespace vlt {

// The folders a model's weights come from. Empty: there is none, the part begins anew.
struct ModelFolders {
  std::string language, vision, projector, language_adapter, vision_adapter;  // of a LLaVA the first three are one
};

// Everything about a model but its weights: sizes, tokens, how conversations and pictures are turned into its input.
struct ModelDescription {
  ModelFolders folders;
  ReadLimits limits;          // of what is read from them
  hub::LlamaConfig language;  // as read; `language_sizes` is what is built: a larger vocabulary
  LlamaSizes language_sizes;
  hub::ClipConfig vision;  // as read; `vision_sizes` has the layers that run
  ClipSizes vision_sizes;
  ProjectorFacts projector;
  Provenance projector_from;
  ProjectorSizes projector_sizes;
  MaskKind mask = MaskKind::causal;
  Provenance mask_from;
  Index vision_feature_layer = -1, tokens_per_image = 0, max_seq_len = 0;
  text::TokenizerFolder tokenizer_folder;
  std::shared_ptr<const text::Tokenizer> tokenizer;
  std::string template_name;
  data::ChatTemplate chat_template;
  image::ClipProcessorFile processor;
  std::string processor_text;                                  // the file, to be passed on
  std::optional<hub::LlavaConfig> llava;                       // of a model that is one LLaVA folder
  std::vector<std::pair<std::string, std::string>> passed_on;  // name, bytes: files that a new folder gets as they are

  std::string architecture() const { return llava ? llava->architecture() : "default"; }
  // What pictures become: tokens_per_image in their order or, if the processor has a grid, those of several tiles.
  image::PictureRules pictures() const {
    if (processor.grid.empty()) return tokens_per_image;
    return {processor, vision_sizes.image / vision_sizes.patch};
  }
  FeatureSelect feature_select() const { return vision_sizes.drop_class ? FeatureSelect::patch : FeatureSelect::full; }
};

// What a user asks of a model that is put together from the folders of its two halves.
struct BaseModelRequest {
  std::string language_folder, vision_folder, chat_template = "default", projector = "baseline";
  Index vision_feature_layer = -1;
  FeatureSelect feature_select = FeatureSelect::full;
  MaskKind mask = MaskKind::causal;
  Index max_seq_len = 4096;
  ReadLimits limits;
};

namespace describe_model {

[[noreturn]] inline void refuse_model(Complaint c) { throw Error(ExitCode::model, std::move(c)); }

// How many layers of the tower run, from the index of a hidden state: -1 is the last layer's, 0 the embeddings. Nothing
// if there is no such state.
inline std::optional<Index> layers_to_run(Index layer, Index depth) {
  const Index run = layer < 0 ? depth + 1 + layer : layer;
  return run < 0 || run > depth ? std::nullopt : std::optional(run);
}

inline void read_tokenizer(ModelDescription& m, const std::string& folder) {
  m.tokenizer_folder = text::read_tokenizer_folder(folder, m.limits);
  text::add_image_and_pad_tokens(m.tokenizer_folder);
  m.tokenizer = std::make_shared<const text::Tokenizer>(m.tokenizer_folder.file);
}

// Files of the model's folder that say nothing of its training, but to others how to use it.
inline void pass_on(ModelDescription& m, const std::string& folder, std::initializer_list<const char*> names) {
  const Folder f(folder);
  for (const char* name : names)
    if (const auto file = f.find(name)) m.passed_on.emplace_back(name, read_settings(*file, m.limits));
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
    m.processor = image::parse_clip_processor(m.processor_text, folder.name_of(name));
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
  const text::TokenizerFolder& t = m.tokenizer_folder;
  m.template_name = name;
  m.chat_template = data::select_template(name, data::template_tokens(*m.tokenizer, t.eos, t.bos));
  data::check_template(m.chat_template, *m.tokenizer);
}

// Which hidden state the tower gives, and whether without the class token. `key` is of the file that says so; none: an
// option does.
inline void choose_features(ModelDescription& m, Index layer, FeatureSelect select, const std::string& key = {}) {
  m.vision_sizes = m.vision.sizes;
  m.vision_feature_layer = layer;
  const Index depth = m.vision.sizes.depth;
  const std::optional<Index> run = layers_to_run(layer, depth);
  if (!run) {
    const Blame blame = key.empty() ? blame_option : blame_model;
    blame.raise(Complaint(key.empty() ? "VALUE-004" : "JSON-004", "the encoder has no such hidden state")
                    .at(key.empty() ? "--vision_feature_layer" : key)
                    .expected("-" + std::to_string(depth + 1) + " to " + std::to_string(depth))
                    .found(std::to_string(layer)));
  }
  m.vision_sizes.depth = *run;
  m.vision_sizes.drop_class = select == FeatureSelect::patch;
}

// The rows that a tokenizer asks of its own model's embedding: <image> and <PAD> do not count, since a training adds
// them and lets the embedding grow.
inline Index rows_asked(const text::TokenizerFile& file) {
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
  m.projector_sizes = {m.vision_sizes.block.width, m.language_sizes.block.width, m.vision_sizes.patches(),
                       !m.vision_sizes.drop_class, m.vision_sizes.block};
  if (m.llava) m.projector_sizes.mlp = {m.llava->projector_bias, m.llava->next};
  if (const auto misfit = m.projector.misfit(m.projector_sizes))
    m.projector_from.raise(Complaint("PROJ-020", misfit->what).expected(misfit->expected).found(misfit->found));
  m.tokens_per_image = m.projector.tokens_per_image(m.projector_sizes);
}

}  // namespace describe_model

// Reads configurations, tokenizer, template and image processor; no weights. Exit 4 for what is wrong in a folder, 2
// for a request that does not fit it.
inline ModelDescription describe_base_model(const KnownKinds& known, const BaseModelRequest& asked) {
  namespace dm = describe_model;
  ModelDescription m;
  m.limits = asked.limits;
  m.folders.language = asked.language_folder, m.folders.vision = asked.vision_folder;
  m.language = hub::read_decoder_config(Folder(m.folders.language), known.families, m.limits);
  m.vision = hub::read_clip_config(Folder(m.folders.vision), m.limits);
  dm::read_tokenizer(m, m.folders.language);
  dm::pass_on(m, m.folders.language, {"generation_config.json"});
  dm::read_processor(m, m.folders.vision);
  dm::read_template(m, asked.chat_template);
  dm::choose_features(m, asked.vision_feature_layer, asked.feature_select);
  const ProjectorFacts* projector = known.projector(asked.projector);
  require(projector != nullptr, "no kind of projector is called " + asked.projector);
  m.projector = *projector, m.projector_from = {blame_option, "--vis_proj " + asked.projector};
  m.mask = asked.mask, m.mask_from = {blame_option, "--enable_mmca_attention"};
  m.max_seq_len = asked.max_seq_len;
  dm::connect(m);
  return m;
}

}  // namespace vlt
