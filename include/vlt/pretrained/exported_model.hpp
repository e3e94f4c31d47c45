#pragma once
#include <filesystem>
#include <vlt/hub/adapter_folder.hpp>
#include <vlt/hub/projector_folder.hpp>
#include <vlt/hub/vltune_file.hpp>
#include <vlt/options/option_table.hpp>
#include <vlt/pretrained/choose_training.hpp>
#include <vlt/pretrained/llava_model.hpp>

namespace vlt {

// A model folder that a run wrote (epoch-K), or a Hugging Face LLaVA folder, as described by its own files.
struct ExportedModel {
  ModelDescription description;
  AdapterChoice vision_adapters, language_adapters;  // as they were trained; rank 0: none
};

namespace exported_model {

// The part of the folder, or the original folder where it was not written.
inline std::string part(const std::string& folder, const char* name, const std::string& original) {
  const std::string inside = folder + "/" + name;
  return std::filesystem::exists(inside + "/config.json") ? inside : original;
}
inline std::string adapter_part(const std::string& folder, const char* name) {
  const std::string inside = folder + "/" + name;
  return std::filesystem::exists(inside) ? inside : std::string();
}
inline AdapterChoice read_adapters(const std::string& folder, const ReadLimits& limits) {
  if (folder.empty()) return {};
  const Folder f(folder);
  const hub::AdapterConfig c = hub::read_adapter_config(f, hub::WeightFolder(f, "adapter_model", limits), limits);
  return {c.rank, c.alpha, c.modules, {blame_model, folder}};
}

inline void read_projector(ModelDescription& m, const KnownKinds& known) {
  const std::string kind = hub::read_projector_kind(Folder(m.folders.projector), m.limits);
  m.projector_from = {blame_model, m.folders.projector + "/config.json: $.kind"};
  const ProjectorFacts* facts = known.projector(kind);
  if (!facts)
    m.projector_from.raise(Complaint("JSON-004", "this program knows no such kind of projector")
                               .expected("one of " + option_text::joined(known.projector_names(), ", "))
                               .found(quoted(kind)));
  m.projector = *facts;
}

}  // namespace exported_model

// language_model/, vision_model/ and projector/ in one folder, with what vltune.json says of them.
inline ModelDescription describe_three_folders(const KnownKinds& known, const std::string& folder,
                                               const ReadLimits& limits) {
  namespace em = exported_model;
  namespace dm = describe_model;
  const hub::VltuneFile file = hub::read_vltune_file(Folder(folder), limits);
  ModelDescription m;
  ModelFolders& f = m.folders;
  m.limits = limits;
  f.language = em::part(folder, "language_model", file.language_folder);
  f.vision = em::part(folder, "vision_model", file.vision_folder);
  f.projector = folder + "/projector";
  m.language = hub::read_decoder_config(Folder(f.language), known.families, limits);
  m.vision = hub::read_clip_config(Folder(f.vision), limits);
  const auto own = [&](const std::string& base, const char* adapters) {
    const std::string adapter = em::adapter_part(folder, adapters);
    return base.starts_with(folder + "/") || adapter.empty() ? base : adapter;
  };
  dm::read_tokenizer(m, own(f.language, "language_adapter"));
  dm::pass_on(m, f.language, {"generation_config.json"});
  dm::read_processor(m, own(f.vision, "vision_adapter"));
  const boost::json::value chat = file.chat_template;
  m.template_name = folder + "/vltune.json";
  m.chat_template = data::read_template(Json(chat, m.template_name + ": $.template"));
  data::check_template(m.chat_template, *m.tokenizer);
  m.max_seq_len = file.max_seq_len;
  m.mask = file.mmca ? MaskKind::mmca : MaskKind::causal, m.mask_from = {blame_model, m.template_name + ": $.mmca"};
  em::read_projector(m, known);
  dm::choose_features(m, file.vision_feature_layer, file.vision_feature_select,
                      m.template_name + ": $.vision_feature_layer");
  dm::connect(m);
  return m;
}

// Exit 4 for a folder that is none, or damaged. asked: of a LLaVA that no run wrote.
inline ExportedModel describe_exported_model(const KnownKinds& known, const std::string& folder,
                                             const ReadLimits& limits = {}, const LlavaRequest& asked = {}) {
  namespace em = exported_model;
  const bool one = llava_model::is_one_folder(folder);
  ExportedModel e{
      one ? describe_llava_model(known, folder, asked, limits) : describe_three_folders(known, folder, limits), {}, {}};
  ModelFolders& f = e.description.folders;
  f.language_adapter = em::adapter_part(folder, "language_adapter");
  f.vision_adapter = em::adapter_part(folder, "vision_adapter");
  e.language_adapters = em::read_adapters(f.language_adapter, limits);
  e.vision_adapters = em::read_adapters(f.vision_adapter, limits);
  return e;
}

}  // namespace vlt
