#pragma once
#include <vlt/hub/hf_folder.hpp>

namespace vlt::hub {

// What PEFT's adapter_config.json says of a LoRA adapter, and which modules carry one.
struct AdapterConfig {
  Index rank = 0;
  double alpha = 0;
  std::string base;                  // the folder of the model that it belongs to
  std::vector<std::string> modules;  // the registry's names, or ends of them; sorted
};

namespace adapter_folder {

inline constexpr std::string_view prefix = "base_model.model.";

inline NameMap names(const NameMap& modules) {
  return [modules](const std::string& name) { return std::string(prefix) + modules(name); };
}
// "a.b.q_proj" of "a.b.q_proj.lora_A.weight"
inline std::string module_of(const std::string& name) {
  const std::size_t at = name.rfind(".lora_");
  return at == name.npos ? std::string() : name.substr(0, at);
}

// How a folder calls the modules that the registry calls otherwise, seen from one of its names: those of a LLaVA, or of
// a component alone. A tower's have no `vision_model.` in transformers 5, whatever its checkpoint says, and had before.
inline NameMap module_names(const std::string& module) {
  const bool by_module = module.starts_with("model.language_model.") || module.starts_with("model.vision_tower.");
  if (by_module || module.starts_with("language_model.") || module.starts_with("vision_tower."))
    return LlavaNames{by_module, module.find("vision_tower.vision_model.") != module.npos};
  return clip_names(module.starts_with("vision_model."));
}
// The registry's name of a module, or the end of it.
inline std::string own_name(const std::string& module) {
  constexpr std::pair<std::string_view, const char*> parts[] = {
      {"model.language_model.", "model."}, {"language_model.", ""}, {"model.vision_tower.", ""}, {"vision_tower.", ""}};
  for (const auto& [outer, own] : parts)
    if (module.starts_with(outer)) return own + module.substr(outer.size());
  return module;
}

}  // namespace adapter_folder

// Writes a folder that PeftModel.from_pretrained loads: the adapters of one component under their full module names,
// given by `modules_called`, in the model they belong to. `task` is PEFT's task_type (CAUSAL_LM for a decoder, empty
// for a tower).
template <class Store>
void write_adapter_folder(const std::string& path, Store& store, ComponentKind component, const AdapterConfig& config,
                          const std::string& task, StoredType type, const NameMap& modules_called = clip_names(false)) {
  make_folders(path);
  const auto list = saved_tensors(store, component, adapter_folder::names(modules_called), type, Which::adapters);
  std::set<std::string> modules;
  for (const SavedTensor& t : list)
    modules.insert(adapter_folder::module_of(t.plan.name).substr(adapter_folder::prefix.size()));
  write_weights(path, "adapter_model", list);
  boost::json::object json{{"peft_type", "LORA"},
                           {"task_type", task.empty() ? boost::json::value() : boost::json::value(task)},
                           {"base_model_name_or_path", config.base},
                           {"r", config.rank},
                           {"lora_alpha", config.alpha},
                           {"lora_dropout", 0.0},
                           {"target_modules", boost::json::array(modules.begin(), modules.end())},
                           {"bias", "none"},
                           {"fan_in_fan_out", false},
                           {"use_rslora", false},
                           {"use_dora", false},
                           {"modules_to_save", nullptr},
                           {"inference_mode", true}};
  write_file(path + "/adapter_config.json", pretty_json(json));
}

namespace adapter_folder {

inline bool says_something(const boost::json::value& v) {
  if (const auto* list = v.if_array()) return !list->empty();
  if (const auto* object = v.if_object()) return !object->empty();
  if (const auto* flag = v.if_bool()) return *flag;
  return !v.is_null();
}

// What PEFT can do beyond plain LoRA of one rank and scale; each changes the numbers, so each is refused by name.
inline void refuse_variants(const Json& root) {
  if (const Json type = root.at("peft_type"); type.string() != "LORA") type.refuse("only LoRA is supported", "LORA");
  for (const char* key :
       {"use_rslora", "use_dora", "use_qalora", "use_bdlora", "fan_in_fan_out", "lora_bias", "layer_replication",
        "alora_invocation_tokens", "arrow_config", "kasa_config", "monteclora_config", "megatron_config"})
    if (const auto v = root.find(key); v && says_something(v->raw()))
      v->refuse("this variant of LoRA is not supported", "false or null");
  for (const char* key : {"modules_to_save", "trainable_token_indices", "target_parameters"})
    if (const auto v = root.find(key); v && says_something(v->raw()))
      v->refuse("other weights beside the adapters of linear layers are not supported", "null");
  for (const char* key : {"rank_pattern", "alpha_pattern"})
    if (const auto v = root.find(key); v && says_something(v->raw()))
      v->refuse("one rank and one alpha for all modules are needed", "{}");
  if (const auto modules = root.find("target_modules"); modules && modules->is_array())
    for (std::size_t i = 0; i < modules->array().size(); ++i) (*modules)[i].string();
  else if (modules) modules->string();
  if (const auto bias = root.find("bias"); bias && bias->string() != "none")
    bias->refuse("trained biases are not supported", "none");
  if (const auto init = root.find("init_lora_weights"); init && init->raw().is_string()) {
    const std::string way = init->string();
    if (way != "gaussian" && way != "eva" && way != "orthogonal")
      init->refuse("adapters that began by changing the base model do not fit the original one",
                   "true, false, gaussian, eva or orthogonal",
                   "save them with PEFT's path_initial_model_for_weight_conversion");
  }
}

}  // namespace adapter_folder

// Reads the settings; the modules come from the names of the tensors.
inline AdapterConfig read_adapter_config(const Folder& folder, const WeightFolder& weights,
                                         const ReadLimits& limits = {}) {
  const std::string name = folder.name_of("adapter_config.json");
  const boost::json::value value =
      parse_json(read_settings(folder.open("adapter_config.json"), limits), name, folder.blame());
  const Json root(value, name + ": $", folder.blame());
  adapter_folder::refuse_variants(root);
  AdapterConfig c;
  c.rank = model_config::positive(root, "r"), c.alpha = root.at("lora_alpha").number();
  c.base = root.string("base_model_name_or_path", "");
  std::set<std::string> modules;
  for (const auto& place : weights.tensors()) {
    const std::string& tensor = place.tensor->name;
    const std::string module = adapter_folder::module_of(tensor);
    if (module.empty() || !module.starts_with(adapter_folder::prefix))
      folder.blame().raise(Complaint("ADAPTER-001", "a tensor is not part of a LoRA adapter")
                               .at(weights.path())
                               .expected("base_model.model.<module>.lora_A.weight or lora_B.weight")
                               .found(quoted(tensor)));
    modules.insert(adapter_folder::own_name(module.substr(adapter_folder::prefix.size())));
  }
  c.modules.assign(modules.begin(), modules.end());
  return c;
}

// Compares a folder with the adapters that were attached to a component; the two sets must be the same, but for those
// of a tower's layers [`run`, `all`), which lie behind the hidden state that is read and are of no effect.
template <Precision F, Device D>
LoadPlan plan_adapters(const Registry<F, D>& registry, const WeightFolder& weights, ComponentKind component,
                       Index run = 0, Index all = 0) {
  WeightRules rules;
  rules.component = component;
  rules.extra = [=](const std::string& tensor) {
    constexpr std::string_view stack = ".encoder.layers.";
    const std::size_t at = tensor.find(stack);
    if (component != ComponentKind::vision || at == tensor.npos) return Extra::refuse;
    const Index layer = std::atoll(tensor.c_str() + at + stack.size());
    return layer >= run && layer < all ? Extra::ignore : Extra::refuse;
  };
  const std::string name = weights.tensors().empty() ? std::string() : weights.tensors().front().tensor->name;
  const bool peft = name.starts_with(adapter_folder::prefix);
  rules.stored_as =
      adapter_folder::names(adapter_folder::module_names(peft ? name.substr(adapter_folder::prefix.size()) : name));
  return plan_load(registry, weights, rules, Which::adapters);
}

// Reads adapters into the ones that were attached to a component.
template <class Store> void load_adapters(const WeightFolder& weights, Store& store, ComponentKind component) {
  load_weights(plan_adapters(store.registry(), weights, component), store);
}

}  // namespace vlt::hub
