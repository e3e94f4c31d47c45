// The numbers that models are made from, and what follows from them.
#include <catch2/catch.hpp>
#include <vlt/models/sizes.hpp>

using namespace vlt;

TEST_CASE("sizes that nobody has given") {
  const ClipSizes clip;
  CHECK((clip.image == 224 && clip.patch == 14 && clip.depth == 0 && !clip.drop_class));
  CHECK(clip.patches() == 256);
  const LlamaSizes llama;
  CHECK((llama.vocabulary == 0 && llama.depth == 0 && !llama.tied));
  const PerceiverSizes perceiver;
  CHECK((perceiver.vision_width == 0 && perceiver.text_width == 0 && perceiver.patches == 0));
  CHECK((perceiver.class_token && perceiver.query_grid == 16));
  const ProjectorSizes projector;
  CHECK((projector.vision_width == 0 && projector.text_width == 0 && projector.patches == 0 && projector.class_token));
  CHECK((projector.mlp.bias && !projector.mlp.newline));
  const BlockSizes block;
  CHECK((block.width == 0 && block.heads == 0 && block.kv_heads == 0 && block.head_dim == 0 && block.mlp == 0));
  CHECK((block.norm_eps == 1e-5 && !block.qkv_bias && !block.output_bias && !block.mlp_bias));
}

TEST_CASE("a tower has whole patches, and a projector its tokens") {
  CHECK(ClipSizes{.image = 30, .patch = 7, .block = {}}.patches() == 16);
  CHECK(ProjectorSizes{.patches = 9, .vision_block = {}}.tower_tokens() == 10);
  CHECK(ProjectorSizes{.patches = 9, .class_token = false, .vision_block = {}}.tower_tokens() == 9);
  CHECK(std::string(name(FeatureSelect::full)) == "full");
  CHECK(std::string(name(FeatureSelect::patch)) == "patch");
  CHECK((feature_selects[0] == FeatureSelect::full && feature_selects[1] == FeatureSelect::patch));
}

TEST_CASE("a perceiver has a head for each 128 of its width, and a grid of patches and of queries") {
  const auto heads = [](Index width) { return PerceiverSizes{.text_width = width}.heads(); };
  CHECK((heads(4) == 1 && heads(128) == 1 && heads(255) == 1 && heads(256) == 2 && heads(383) == 2));
  CHECK((heads(384) == 3 && heads(4096) == 32));
  const auto fits = [](Index width) { return PerceiverSizes{.text_width = width}.fits_heads(); };
  CHECK((fits(4) && fits(252) && fits(256) && fits(260) && fits(384)));
  CHECK_FALSE((fits(2) || fits(254) || fits(388) || fits(258)));
  const auto side = [](Index patches) { return PerceiverSizes{.patches = patches}.patch_grid(); };
  CHECK((side(0) == 0 && side(1) == 1 && side(2) == 0 && side(4) == 2 && side(575) == 0 && side(576) == 24));
  CHECK(PerceiverSizes{.query_grid = 3}.queries() == 9);
}
