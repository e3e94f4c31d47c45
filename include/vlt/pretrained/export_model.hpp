#pragma once
#include <vlt/hub/vltune_file.hpp>
#include <vlt/io/draft_folder.hpp>
#include <vlt/pretrained/choose_training.hpp>
#include <vlt/pretrained/model_weights.hpp>

namespace vlt {

// Writes a trained model: language_model/ and vision_model/ are Hugging Face folders, projector/ is ours, adapters are
// PEFT folders beside them. Under adapters a base folder is written only if one of its tensors changed; else the
// original folder is named. A LLaVA is one Hugging Face folder, with its adapters in it.
template <IsPolicy P> class ModelExport {
 public:
  // types: what a component's tensors are stored as; without an entry, the precision of training.
  ModelExport(const ModelDescription& m, const WeightOrigin& origin, const TrainingChoice& choice,
              std::map<ComponentKind, hub::StoredType> types = {})
      : m_(m), origin_(origin), choice_(choice), types_(std::move(types)) {}

  // The folder appears whole or not at all, in place of what is there.
  void write(const std::string& folder, store_t<P>& store) const {
    DraftFolder draft(folder);
    write_into(draft.path(), store);
    draft.commit();
  }
  // The bytes of its tensors.
  std::uint64_t bytes(store_t<P>& store) const {
    std::map<ComponentKind, bool> base;
    for (const ComponentKind c : {ComponentKind::vision, ComponentKind::projector, ComponentKind::language})
      base[c] = writes_base(store, c);
    std::uint64_t all = 0;
    for (const auto& p : store.registry().params)
      if (p.adapter || base[p.component])
        all += std::uint64_t(p.value->rows) * std::uint64_t(p.value->cols) * hub::facts(type(p.component)).bytes;
    return all;
  }
  // Writes into a folder that is there.
  void write_into(const std::string& folder, store_t<P>& store) const {
    if (m_.llava) {
      llava(folder, store);
    } else {
      language(folder, store);
      vision(folder, store);
      hub::write_projector_folder(folder + "/projector", projector_config_of(m_), store,
                                  type(ComponentKind::projector));
    }
    hub::write_vltune_file(folder, vltune_file());
  }

 private:
  const ModelDescription& m_;
  const WeightOrigin& origin_;
  const TrainingChoice& choice_;
  std::map<ComponentKind, hub::StoredType> types_;

  hub::StoredType type(ComponentKind component) const {
    const auto at = types_.find(component);
    return at == types_.end() ? hub::stored_type(P::precision) : at->second;
  }
  static bool base_changed(store_t<P>& store, ComponentKind component) {
    for (const auto& p : store.registry().params)
      if (p.component == component && !p.adapter && p.trains()) return true;
    return false;
  }
  // A base whose tensors are those of its original folder is named, not written again.
  bool writes_base(store_t<P>& store, ComponentKind component) const {
    if (m_.llava || base_changed(store, component)) return true;
    if (component == ComponentKind::vision) return choice_.vision_adapters.rank == 0;
    return component == ComponentKind::projector || choice_.language_adapters.rank == 0 || origin_.grown_rows > 0;
  }
  void language(const std::string& folder, store_t<P>& store) const {
    const bool adapters = choice_.language_adapters.rank > 0, base = writes_base(store, ComponentKind::language);
    const std::string path = folder + "/language_model", adapter = folder + "/language_adapter";
    if (base) {
      hub::write_language_folder(path, m_.language, m_.language_sizes.vocabulary, store, type(ComponentKind::language));
      for (const auto& [name, text] : m_.passed_on) write_file(path + "/" + name, text);
    }
    if (adapters)
      hub::write_adapter_folder(
          adapter, store, ComponentKind::language,
          adapter_config(choice_.language_adapters, base ? "../language_model" : m_.folders.language), "CAUSAL_LM",
          type(ComponentKind::language));
    text::write_tokenizer_folder(m_.tokenizer_folder, base ? path : adapter);
  }
  void vision(const std::string& folder, store_t<P>& store) const {
    const bool adapters = choice_.vision_adapters.rank > 0, base = writes_base(store, ComponentKind::vision);
    const std::string path = folder + "/vision_model", adapter = folder + "/vision_adapter";
    if (base)
      hub::write_vision_folder(path, m_.vision, store, origin_.vision_names, origin_.vision_kept,
                               type(ComponentKind::vision));
    if (adapters)
      hub::write_adapter_folder(adapter, store, ComponentKind::vision,
                                adapter_config(choice_.vision_adapters, base ? "../vision_model" : m_.folders.vision),
                                {}, type(ComponentKind::vision));
    write_file((base ? path : adapter) + "/preprocessor_config.json", m_.processor_text);
  }
  void llava(const std::string& folder, store_t<P>& store) const {
    hub::StoredType all = types_.empty() ? hub::stored_type(P::precision) : types_.begin()->second;
    for (const auto& [component, type] : types_) all = hub::holds_both(all, type);
    const hub::LlavaSettings now{m_.language_sizes.vocabulary, m_.tokenizer->id("<image>"), m_.vision_feature_layer,
                                 m_.feature_select()};
    hub::write_llava_folder(folder, *m_.llava, now, store, origin_.vision_names, origin_.vision_kept, all);
    text::write_tokenizer_folder(m_.tokenizer_folder, folder);
    for (const auto& [name, text] : m_.passed_on)
      write_file(folder + "/" + name, hub::llava_folder::changed_processor(text, *m_.llava, now));
    const auto adapters = [&](const char* name, ComponentKind component, const AdapterChoice& a, const char* task) {
      if (a.rank > 0)
        hub::write_adapter_folder(folder + "/" + name, store, component, adapter_config(a, ".."), task, all,
                                  hub::LlavaNames{true, false});
    };
    adapters("language_adapter", ComponentKind::language, choice_.language_adapters, "CAUSAL_LM");
    adapters("vision_adapter", ComponentKind::vision, choice_.vision_adapters, "");
  }
  static hub::AdapterConfig adapter_config(const AdapterChoice& a, const std::string& base) {
    return {a.rank, a.alpha, base, {}};
  }
  hub::VltuneFile vltune_file() const {
    return {data::template_object(m_.chat_template),
            m_.mask == MaskKind::mmca,
            m_.vision_feature_layer,
            m_.feature_select(),
            m_.max_seq_len,
            m_.folders.language,
            m_.folders.vision};
  }
};

}  // namespace vlt
