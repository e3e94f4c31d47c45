#pragma once
#include <sstream>
#include <vlt/optim/parameter_groups.hpp>
#include <vlt/pretrained/choose_training.hpp>
#include <vlt/pretrained/llava_model.hpp>
#include <vlt/program/options.hpp>

// Every option is translated here, into the words of the part that acts on it.
namespace vlt::program {

inline BaseModelRequest base_model_request(const SftOptions& o) {
  BaseModelRequest r;
  r.language_folder = o.lm_model_name_or_path, r.vision_folder = o.vision_model_name_or_path;
  r.chat_template = o.chat_template, r.projector = o.vis_proj;
  r.vision_feature_layer = o.vision_feature_layer, r.drop_class_token = o.vision_feature_select == "patch";
  r.mask = o.enable_mmca_attention ? MaskKind::mmca : MaskKind::causal;
  r.max_seq_len = o.max_seq_len, r.limits = o;
  return r;
}

inline Words comma_separated(const std::string& text) {
  Words words;
  std::istringstream in(text);
  for (std::string word; std::getline(in, word, ',');)
    if (!word.empty()) words.push_back(word);
  return words;
}

inline TrainingChoice training_choice(const SftOptions& o) {
  const auto adapters = [&](Index rank, const std::string& names, const char* option) {
    return AdapterChoice{
        rank, o.lora_alpha.value_or(2.0 * double(rank)), comma_separated(names), {blame_option, option}};
  };
  const bool embedding = o.model_architecture == "default" ? !o.only_optimize_lora : o.lang_decoder_update;
  return {o.vis_encoder_update, o.lang_decoder_update, embedding,
          adapters(o.vis_lora_dim, o.vis_lora_module_name, "--vis_lora_module_name"),
          adapters(o.lang_lora_dim, o.lang_lora_module_name, "--lang_lora_module_name")};
}

inline PeakRates peak_rates(const SftOptions& o) {
  return {o.learning_rate,
          o.learning_rate_pretraining_components,
          {{o.vision_learning_rate, o.projector_learning_rate, o.language_learning_rate}}};
}

}  // namespace vlt::program
