// Layers of the two model families at realistic sizes, forward and backward. What a mask hides is not counted as work.
#include <vlt/nn/pre_norm_block.hpp>
#include "cases.hpp"

namespace {
using namespace vlt;

const BlockSizes smollm2_135m{
    .width = 576, .heads = 9, .kv_heads = 3, .head_dim = 64, .mlp = 1536, .rope = Rope::plain(64, 100000)};
const BlockSizes vit_base{.width = 768,
                          .heads = 12,
                          .kv_heads = 12,
                          .head_dim = 64,
                          .mlp = 3072,
                          .qkv_bias = true,
                          .output_bias = true,
                          .mlp_bias = true,
                          .rope = {}};

// Arithmetic of a forward pass that attention counts for pairs which its mask does not show.
template <class Mask> double hidden_flops(const BlockSizes& c, const Segments& b) {
  double pairs = 0;
  for (Index i = 0; i < b.sequences(); ++i)
    for (Index query = b.begin(i); query < b.end(i); ++query)
      for (Index key = b.begin(i); key < b.end(i); ++key)
        for (int g = 0; g < Mask::groups; ++g) pairs += !Mask::visible(g, b.place[query], b.place[key]);
  return 4 * pairs * double(c.head_dim) * double(c.heads);
}

template <class P, class L> void add(const std::string& name, const BlockSizes& c, const Segments& b, double hidden) {
  for (Pass pass : {Pass::forward, Pass::backward})
    bench::add<typename P::operand>(
        name + "/" + bench::type_name<typename P::operand> + (pass == Pass::forward ? "/forward" : "/backward"),
        [=] { return std::make_unique<bench::LayerCase<P, L>>(L(c), b, c.width, pass, hidden); });
}

template <class P> void add_all() {
  Segments text, images;
  text.append(512);
  for (int i = 0; i < 4; ++i) images.append(197, TokenKind::image);
  const double causal = hidden_flops<mask::Causal>(smollm2_135m, text),
               mmca = hidden_flops<mask::Mmca>(smollm2_135m, text);
  add<P, LlamaBlock<P, mask::Causal>>("LlamaBlock/causal/512_tokens_of_576", smollm2_135m, text, causal);
  add<P, LlamaBlock<P, mask::Mmca>>("LlamaBlock/mmca/512_tokens_of_576", smollm2_135m, text, mmca);
  add<P, ClipBlock<P>>("ClipBlock/4x197_tokens_of_768", vit_base, images, 0);
  add<P, SwiGlu<P>>("SwiGlu/512_tokens_of_576", smollm2_135m, text, 0);
  add<P, SelfAttention<P, mask::Causal>>("SelfAttention/causal/512_tokens_of_576", smollm2_135m, text, causal);
}
}  // namespace

int main(int argc, char** argv) {
  add_all<Policy<Device::cpu, Precision::bf16>>(), add_all<Policy<Device::cpu, Precision::f32>>();
  return bench::run(argc, argv);
}
