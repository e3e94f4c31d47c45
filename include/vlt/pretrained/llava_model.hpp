#pragma once
#include <vlt/hub/llava_folder.hpp>
#include <vlt/hub/vltune_file.hpp>
#include <vlt/pretrained/model_description.hpp>

namespace vlt {

// What a user may say of a LLaVA folder. One that a run wrote says it itself, in vltune.json.
struct LlavaRequest {
  std::string chat_template;  // empty: the template of its family
  std::optional<Index> vision_feature_layer;
  std::optional<FeatureSelect> feature_select;
  Index max_seq_len = 0;  // 0: the decoder's max_position_embeddings
};

namespace llava_model {

// Is this a folder with one config.json for everything, as Hugging Face writes a LLaVA? A default model has none there.
inline bool is_one_folder(const std::string& folder) { return bool(Folder(folder).find("config.json")); }

inline std::string config_key(const ModelDescription& m, const char* key) {
  return m.folders.language + "/config.json: $." + key;
}

// The tokenizer knows <image> by the number that config.json gives; one that does not know it learns it.
inline void check_image_token(const ModelDescription& m) {
  const std::int32_t id = m.tokenizer->id("<image>");
  if (id < m.tokenizer_folder.vocabulary_read && id != m.llava->image_token)
    describe_model::refuse_model(Complaint("MODEL-LLAVA-001", "config.json and tokenizer disagree about <image>")
                                     .at(config_key(m, "image_token_index"))
                                     .expected(std::to_string(id) + " (its id in the tokenizer)")
                                     .found(std::to_string(m.llava->image_token))
                                     .help("use the tokenizer that belongs to this model"));
}

// LLaVA-NeXT cuts pictures by the processor's grid and puts them together by the model's.
inline void check_grid(ModelDescription& m) {
  if (!m.llava->next) return;
  auto& grid = m.processor.grid;
  const auto count = [](const auto& canvases) { return std::to_string(canvases.size()) + " canvases"; };
  if (grid.empty()) grid = m.llava->grid;
  const int tile = m.processor.crop;
  const auto whole = [&](int side) {
    return side > 0 && side <= image::clip_processor_file::most_pixels && side % tile == 0;
  };
  for (const auto& [height, width] : m.llava->grid)
    if (!whole(height) || !whole(width) || m.processor.shortest_edge != tile)
      describe_model::refuse_model(Complaint("MODEL-JSON-004", "a canvas is not made of whole tiles")
                                       .at(config_key(m, "image_grid_pinpoints"))
                                       .expected("multiples of the " + std::to_string(tile) +
                                                 " pixels of a tile, not larger than " +
                                                 std::to_string(image::clip_processor_file::most_pixels))
                                       .found(std::to_string(height) + " x " + std::to_string(width)));
  if (grid != m.llava->grid)
    describe_model::refuse_model(Complaint("MODEL-PROC-004", "the image processor and the model have different grids")
                                     .at(config_key(m, "image_grid_pinpoints"))
                                     .expected("the " + count(grid) + " of the image processor")
                                     .found(count(m.llava->grid))
                                     .help("use the preprocessor_config.json that came with the model"));
}

inline void read_features(ModelDescription& m, const LlavaRequest& asked) {
  namespace dm = describe_model;
  const hub::LlavaConfig& c = *m.llava;
  const FeatureSelect select = asked.feature_select.value_or(c.vision_feature_select);
  if (c.next && select == FeatureSelect::full)
    blame_option.raise(Complaint("VALUE-004", "a class token has no place in the grid of LLaVA-NeXT's tiles")
                           .at("--vision_feature_select")
                           .expected(name(FeatureSelect::patch))
                           .found(name(select)));
  const auto layer = asked.vision_feature_layer;
  dm::choose_features(m, layer.value_or(c.vision_feature_layer), select,
                      layer ? std::string() : config_key(m, "vision_feature_layer"));
}

inline void read_words(ModelDescription& m, const Folder& folder, const LlavaRequest& asked) {
  if (!folder.find("vltune.json")) {
    m.max_seq_len = asked.max_seq_len > 0 ? asked.max_seq_len : m.language.max_position;
    return describe_model::read_template(m,
                                         asked.chat_template.empty() ? m.llava->architecture() : asked.chat_template);
  }
  const hub::VltuneFile file = hub::read_vltune_file(folder, m.limits);
  const boost::json::value chat = file.chat_template;
  m.template_name = folder.name_of("vltune.json");
  m.chat_template = vlt::data::read_template(Json(chat, m.template_name + ": $.template"));
  data::check_template(m.chat_template, *m.tokenizer);
  m.max_seq_len = file.max_seq_len;
}

}  // namespace llava_model

// Reads a LLaVA-1.5 or LLaVA-NeXT folder, Hugging Face's or a run's, but for its weights. Exit 4 for what is wrong in
// it, 2 for a request that does not fit it.
inline ModelDescription describe_llava_model(const KnownKinds& known, const std::string& path,
                                             const LlavaRequest& asked = {}, const ReadLimits& limits = {}) {
  namespace lm = llava_model;
  namespace dm = describe_model;
  const Folder folder(path);
  ModelDescription m;
  m.limits = limits;
  m.folders.language = m.folders.vision = m.folders.projector = path;
  m.llava = hub::read_llava_config(folder, known.families, limits);
  hub::settle_tied_head(*m.llava, folder, limits);
  m.language = m.llava->language, m.vision = m.llava->vision;
  dm::read_tokenizer(m, path);
  lm::check_image_token(m);
  dm::read_processor(m, path);
  lm::check_grid(m);
  dm::pass_on(m, path, {"preprocessor_config.json", "processor_config.json", "generation_config.json"});
  lm::read_features(m, asked);
  lm::read_words(m, folder, asked);
  m.projector = projector_facts<MlpKind>();
  m.projector_from = m.mask_from = {blame_model, path + "/config.json"};
  dm::connect(m);
  return m;
}

}  // namespace vlt
