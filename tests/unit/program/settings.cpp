// Every option arrives where it acts.
#include <vlt/program/settings.hpp>

#include <catch2/catch.hpp>

using namespace vlt;

TEST_CASE("options become a request for a model") {
  program::SftOptions o;
  o.lm_model_name_or_path = "lm", o.vision_model_name_or_path = "vit", o.chat_template = "plain", o.vis_proj = "vit";
  o.vision_feature_layer = -2, o.vision_feature_select = "patch", o.enable_mmca_attention = true, o.max_seq_len = 77;
  o.tensors = 5;
  const BaseModelRequest r = base_model_request(o);
  CHECK(r.language_folder == "lm");
  CHECK(r.vision_folder == "vit");
  CHECK(r.chat_template == "plain");
  CHECK(r.projector == "vit");
  CHECK(r.vision_feature_layer == -2);
  CHECK(r.drop_class_token);
  CHECK(r.mask == MaskKind::mmca);
  CHECK(r.max_seq_len == 77);
  CHECK(r.limits.tensors == 5);
  CHECK_FALSE(base_model_request(program::SftOptions{}).drop_class_token);
  CHECK(base_model_request(program::SftOptions{}).mask == MaskKind::causal);
}

TEST_CASE("options become a choice of what trains") {
  program::SftOptions o;
  CHECK_FALSE(training_choice(o).vision);
  CHECK_FALSE(training_choice(o).language);
  CHECK(training_choice(o).embedding);
  o.lang_lora_dim = 4, o.lang_lora_module_name = "q_proj,,v_proj", o.vis_encoder_update = true;
  TrainingChoice c = training_choice(o);
  CHECK(c.vision);
  CHECK(c.language_adapters.rank == 4);
  CHECK(c.language_adapters.alpha == 8);
  CHECK(c.language_adapters.names == Words{"q_proj", "v_proj"});
  CHECK(c.language_adapters.from.place == "--lang_lora_module_name");
  CHECK(c.vision_adapters.rank == 0);
  CHECK(c.vision_adapters.from.place == "--vis_lora_module_name");
  o.lora_alpha = 3, o.only_optimize_lora = true, o.lang_decoder_update = true;
  c = training_choice(o);
  CHECK(c.language_adapters.alpha == 3);
  CHECK(c.language);
  CHECK_FALSE(c.embedding);
  o.model_architecture = "llava";  // whose embedding goes with the decoder
  CHECK(training_choice(o).embedding);
  o.lang_decoder_update = false;
  CHECK_FALSE(training_choice(o).embedding);
}

TEST_CASE("options become peak rates") {
  program::SftOptions o;
  o.learning_rate = 1, o.learning_rate_pretraining_components = 2, o.vision_learning_rate = 3,
  o.language_learning_rate = 5;
  const PeakRates r = peak_rates(o);
  CHECK(r.of(ComponentKind::vision, false) == 3);
  CHECK(r.of(ComponentKind::projector, false) == 1);
  CHECK(r.of(ComponentKind::language, true) == 5);
  o.language_learning_rate.reset();
  CHECK(peak_rates(o).of(ComponentKind::language, false) == 2);
}
