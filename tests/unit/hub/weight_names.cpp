// How checkpoints call and shape what the registry holds.
#include <catch2/catch.hpp>
#include <vlt/hub/weight_names.hpp>

using namespace vlt;

TEST_CASE("a tower's names have their prefix or not") {
  CHECK(hub::clip_names(true)("vision_model.encoder.x") == "vision_model.encoder.x");
  CHECK(hub::clip_names(false)("vision_model.encoder.x") == "encoder.x");
  CHECK(hub::clip_names(false)("projection.x") == "projection.x");
  CHECK(hub::clip_names(true)("encoder.x") == "encoder.x");
  CHECK(hub::same_name("a") == "a");
}

TEST_CASE("LLaVA's tensors have two forms of names") {
  const hub::LlavaNames plain, modules{true, false}, towers{false, true}, both{true, true};
  CHECK(plain("model.layers.0.x") == "language_model.model.layers.0.x");
  CHECK(plain("lm_head.weight") == "language_model.lm_head.weight");
  CHECK(plain("vision_model.encoder.x") == "vision_tower.encoder.x");
  CHECK(plain("projection.linear_1.weight") == "multi_modal_projector.linear_1.weight");
  CHECK(plain("projection.image_newline") == "image_newline");
  CHECK(modules("model.layers.0.x") == "model.language_model.layers.0.x");
  CHECK(modules("lm_head.weight") == "lm_head.weight");
  CHECK(modules("vision_model.encoder.x") == "model.vision_tower.encoder.x");
  CHECK(modules("projection.linear_1.weight") == "model.multi_modal_projector.linear_1.weight");
  CHECK(modules("projection.image_newline") == "model.image_newline");
  CHECK(towers("vision_model.encoder.x") == "vision_tower.vision_model.encoder.x");
  CHECK(both("vision_model.encoder.x") == "model.vision_tower.vision_model.encoder.x");
}

TEST_CASE("config.json's keys imply the shapes") {
  CHECK(hub::implied_by("model.embed_tokens.weight") == "vocab_size, hidden_size");
  CHECK(hub::implied_by("lm_head.weight") == "vocab_size, hidden_size");
  for (const char* name : {"k_proj.weight", "v_proj.bias"})
    CHECK(hub::implied_by(name) == "num_key_value_heads, head_dim, hidden_size");
  CHECK(hub::implied_by("q_proj.weight") == "num_attention_heads, head_dim, hidden_size");
  CHECK(hub::implied_by("o_proj.weight") == "hidden_size, num_attention_heads, head_dim");
  for (const char* name : {"gate_proj.weight", "up_proj.weight", "fc1.weight"})
    CHECK(hub::implied_by(name) == "intermediate_size, hidden_size");
  for (const char* name : {"down_proj.weight", "fc2.weight"})
    CHECK(hub::implied_by(name) == "hidden_size, intermediate_size");
  CHECK(hub::implied_by("patch_embedding.weight") == "hidden_size, num_channels, patch_size");
  CHECK(hub::implied_by("position_embedding.weight") == "image_size, patch_size, hidden_size");
  CHECK(hub::implied_by("model.norm.weight") == "hidden_size");
}
