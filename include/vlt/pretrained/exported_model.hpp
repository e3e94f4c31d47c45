#pragma once
#include <filesystem>
#include <vlt/hub/adapter_folder.hpp>
#include <vlt/hub/projector_folder.hpp>
#include <vlt/hub/vltune_file.hpp>
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
  const AdapterConfig c = read_adapter_config(f, WeightFolder(f, "adapter_model", limits), limits);
  return {c.rank, c.alpha, c.modules};
}

}  // namespace exported_model

// language_model/, vision_model/ and projector/ in one folder, with what vltune.json says of them.
inline ModelDescription describe_three_folders(const std::string& folder, const ReadLimits& limits) {
  namespace em = exported_model;
  namespace dm = describe_model;
  const VltuneFile file = read_vltune_file(Folder(folder), limits);
  ModelDescription m;
  ModelFolders& f = m.folders;
  m.limits = limits;
  f.language = em::part(folder, "language_model", file.language_folder);
  f.vision = em::part(folder, "vision_model", file.vision_folder);
  f.projector = folder + "/projector";
  m.language = read_llama_config(Folder(f.language), limits);
  m.vision = read_clip_config(Folder(f.vision), limits);
  const auto own = [&](const std::string& base, const char* adapters) {
    const std::string adapter = em::adapter_part(folder, adapters);
    return base.starts_with(folder + "/") || adapter.empty() ? base : adapter;
  };
  dm::read_tokenizer(m, own(f.language, "language_adapter"));
  dm::read_processor(m, own(f.vision, "vision_adapter"));
  const boost::json::value chat = file.chat_template;
  m.template_name = folder + "/vltune.json";
  m.chat_template = read_template(Json(chat, m.template_name + ": $.template"));
  check_template(m.chat_template, *m.tokenizer);
  m.max_seq_len = file.max_seq_len, m.mask = file.mmca ? "Mmca" : "Causal";
  m.projector_kind = read_projector_config(Folder(f.projector), limits).kind;
  if (const Index depth = m.vision.sizes.depth; !dm::layers_to_run(file.vision_feature_layer, depth))
    dm::refuse_model(Complaint("MODEL-JSON-004", "the encoder has no such hidden state")
                         .at(m.template_name + ": $.vision_feature_layer")
                         .expected(dm::feature_layers(depth))
                         .found(std::to_string(file.vision_feature_layer)));
  dm::choose_features(m, file.vision_feature_layer, file.vision_feature_select);
  dm::connect(m);
  return m;
}

// Exit 4 for a folder that is none, or damaged. wishes: for a LLaVA that no run wrote.
inline ExportedModel describe_exported_model(const std::string& folder, const ReadLimits& limits = {},
                                             const LlavaWishes& wishes = {}) {
  namespace em = exported_model;
  const bool one = llava_model::is_one_folder(folder);
  ExportedModel e{one ? describe_llava_model(folder, wishes, limits) : describe_three_folders(folder, limits), {}, {}};
  ModelFolders& f = e.description.folders;
  f.language_adapter = em::adapter_part(folder, "language_adapter");
  f.vision_adapter = em::adapter_part(folder, "vision_adapter");
  e.language_adapters = em::read_adapters(f.language_adapter, limits);
  e.vision_adapters = em::read_adapters(f.vision_adapter, limits);
  return e;
}

// Refuses options that say otherwise than the folder a training starts from.
inline void check_same_model(const SftOptions& o, const std::set<std::string>& given, const ExportedModel& e) {
  const ModelDescription& m = e.description;
  const auto differ = [&](const std::string& option, const std::string& asked, const std::string& stored) {
    if (given.contains(option) && asked != stored)
      refuse_option(Complaint("OPT-CHECKPOINT-019", "this contradicts the model in --from_checkpoint")
                        .at("--" + option)
                        .expected(stored)
                        .found(asked)
                        .help("leave the option out, or name another folder"));
  };
  if (o.model_architecture != m.architecture())
    refuse_option(Complaint("OPT-CHECKPOINT-019", "this contradicts the model in --from_checkpoint")
                      .at("--model_architecture")
                      .expected(m.architecture())
                      .found(o.model_architecture)
                      .help("say --model_architecture " + m.architecture()));
  differ("enable_mmca_attention", o.enable_mmca_attention ? "on" : "off", m.mask == "Mmca" ? "on" : "off");
  differ("vis_proj", o.vis_proj, m.projector_kind);
  differ("vision_feature_layer", std::to_string(o.vision_feature_layer), std::to_string(m.vision_feature_layer));
  differ("vision_feature_select", o.vision_feature_select, m.drops_class_token() ? "patch" : "full");
  differ("max_seq_len", std::to_string(o.max_seq_len), std::to_string(m.max_seq_len));
  differ("lm_model_name_or_path", o.lm_model_name_or_path, m.folders.language);
  differ("vision_model_name_or_path", o.vision_model_name_or_path, m.folders.vision);
  const auto adapters = [&](const std::string& side, const AdapterChoice& a, Index rank, const std::string& names) {
    if (a.rank == 0) return;
    differ(side + "_lora_dim", std::to_string(rank), std::to_string(a.rank));
    differ(side + "_lora_module_name", names, "the modules in the folder");
    if (o.lora_alpha) differ("lora_alpha", number_text(*o.lora_alpha), number_text(a.alpha));
  };
  adapters("lang", e.language_adapters, o.lang_lora_dim, o.lang_lora_module_name);
  adapters("vis", e.vision_adapters, o.vis_lora_dim, o.vis_lora_module_name);
  if (!given.contains("template")) return;
  const TokenizerFolder& t = m.tokenizer_folder;
  const ChatTemplate asked = select_template(o.chat_template, template_tokens(*m.tokenizer, t.eos, t.bos));
  if (template_object(asked) != template_object(m.chat_template)) differ("template", o.chat_template, m.template_name);
}

}  // namespace vlt
