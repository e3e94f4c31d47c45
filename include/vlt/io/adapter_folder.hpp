#pragma once
#include <vlt/io/hf_folder.hpp>

namespace vlt {

// What PEFT's adapter_config.json says of a LoRA adapter, and which modules carry one.
struct AdapterConfig {
  Index rank = 0;
  double alpha = 0;
  std::string base;                  // the folder of the model that it belongs to
  std::vector<std::string> modules;  // full names, sorted
};

namespace adapter_folder {

inline constexpr std::string_view prefix = "base_model.model.";

// A tower's modules are called without `vision_model.` in transformers 5, whatever its checkpoint says, and with it
// before. A decoder's names have no such prefix.
inline NameMap names(bool with_prefix) {
  return [base = clip_names(with_prefix)](const std::string& name) { return std::string(prefix) + base(name); };
}
// "a.b.q_proj" of "a.b.q_proj.lora_A.weight"
inline std::string module_of(const std::string& name) {
  const std::size_t at = name.rfind(".lora_");
  return at == name.npos ? std::string() : name.substr(0, at);
}

}  // namespace adapter_folder

// Writes a folder that PeftModel.from_pretrained loads: the adapters of one component under their full module names.
// `task` is PEFT's task_type (CAUSAL_LM for a decoder, empty for a tower).
template <class Store>
void write_adapter_folder(const std::string& path, Store& store, ComponentKind component, const AdapterConfig& config,
                          const std::string& task, StoredType type) {
  make_folders(path);
  const auto list = saved_tensors(store, int(component), adapter_folder::names(false), type, Which::adapters);
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

// Reads the settings; the modules come from the names of the tensors. What PEFT can do beyond plain LoRA of one rank is
// refused by name.
inline AdapterConfig read_adapter_config(const Folder& folder, const WeightFolder& weights,
                                         const ReadLimits& limits = {}) {
  const std::string name = folder.name_of("adapter_config.json");
  const boost::json::value value =
      parse_json(read_settings(folder.open("adapter_config.json"), limits), name, folder.blame());
  const Json root(value, name + ": $", folder.blame());
  if (const Json type = root.at("peft_type"); type.string() != "LORA") type.refuse("only LoRA is supported", "LORA");
  for (const char* key : {"use_rslora", "use_dora", "fan_in_fan_out"})
    if (root.boolean(key, false)) root.at(key).refuse("this variant of LoRA is not supported", "false");
  if (const auto bias = root.find("bias"); bias && bias->string() != "none")
    bias->refuse("trained biases are not supported", "none");
  for (const char* key : {"rank_pattern", "alpha_pattern"})
    if (const auto p = root.find(key); p && !p->object().empty()) p->refuse("one rank for all modules is needed", "{}");
  if (const auto m = root.find("modules_to_save"); m && !m->array().empty())
    m->refuse("whole modules beside the adapters are not supported", "null");
  AdapterConfig c;
  c.rank = model_config::positive(root, "r"), c.alpha = root.at("lora_alpha").number();
  c.base = root.string("base_model_name_or_path", "");
  std::set<std::string> modules;
  for (const auto& place : weights.tensors()) {
    const std::string& tensor = place.tensor->name;
    const std::string module = adapter_folder::module_of(tensor);
    if (module.empty() || !module.starts_with(adapter_folder::prefix))
      folder.blame().raise("ADAPTER-001", {{},
                                           "a tensor is not part of a LoRA adapter",
                                           weights.path(),
                                           "base_model.model.<module>.lora_A.weight or lora_B.weight",
                                           quoted(tensor),
                                           {},
                                           {}});
    modules.insert(module.substr(adapter_folder::prefix.size()));
  }
  c.modules.assign(modules.begin(), modules.end());
  return c;
}

// Reads adapters into the ones that were attached to a component; the two sets must be the same.
template <class Store> void load_adapters(const WeightFolder& weights, Store& store, ComponentKind component) {
  WeightRules rules;
  rules.component = int(component);
  const bool old_names = !weights.tensors().empty() &&
                         weights.tensors().front().tensor->name.starts_with("base_model.model.vision_model.");
  rules.stored_as = adapter_folder::names(old_names);
  load_weights(plan_load(store.registry(), weights, rules, Which::adapters), store);
}

}  // namespace vlt
