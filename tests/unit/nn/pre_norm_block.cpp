// Gradient checks of attention and of whole blocks, under every tuning and with adapters.
#include "check.hpp"
using namespace vlt;

namespace {

template <class P, class Mask> void attention_and_block(const std::string& mask) {
  check(name_of<P>() + " SelfAttention, " + mask, SelfAttention<P, Mask>(odd_sizes()));
  check(name_of<P>() + " LlamaBlock, " + mask, LlamaBlock<P, Mask>(odd_sizes()));
}

}  // namespace

TEST_CASE("trainable blocks, causal") { attention_and_block<Gold, mask::Causal>("causal"); }
TEST_CASE("trainable blocks, mmca") { attention_and_block<Gold, mask::Mmca>("mmca"); }
TEST_CASE("frozen blocks") { attention_and_block<Gold::frozen, mask::Causal>("causal"); }
TEST_CASE("CLIP's block") { check("ClipBlock", ClipBlock<Gold>(odd_sizes())); }

TEST_CASE("adapted blocks") {
  using Block = LlamaBlock<Gold::adapted, mask::Mmca>;
  Block none(odd_sizes()), some(odd_sizes()), all(odd_sizes());
  check("no adapter", none);
  attach_adapters(registry_of<Gold>(some), {"q_proj", "v_proj"}, 3, 5.0);
  check("adapters on q and v", some);
  attach_adapters(registry_of<Gold>(all), {"proj"}, 3, 5.0);
  check("adapters everywhere", all);
}

TEST_CASE("adapters beside trainable weights") {
  using Block = LlamaBlock<Gold, mask::Causal>;
  Block some(odd_sizes()), all(odd_sizes());
  attach_adapters(registry_of<Gold>(some), {"q_proj", "v_proj"}, 3, 5.0);
  check("adapters on q and v, the rest trains", some);
  attach_adapters(registry_of<Gold>(all), {"proj"}, 3, 5.0);
  choose<Gold>(all, [](const auto& p) { return p.adapter; });
  check("adapters only", all);
}

TEST_CASE("a block's sizes that nobody has given") {
  const BlockSizes s;
  CHECK((s.width == 0 && s.heads == 0 && s.kv_heads == 0 && s.head_dim == 0 && s.mlp == 0 && s.norm_eps == 1e-5));
  CHECK_FALSE((s.qkv_bias || s.output_bias || s.mlp_bias));
}
