// 16-bit operands: where they may appear, and that a model's loss and gradients stay close to float's.
#include <catch2/catch.hpp>
#include <vlt/models/clip_vit.hpp>
#include <vlt/models/llama.hpp>
#include <vlt/models/projector.hpp>
#include <vlt/models/vlm.hpp>
#include <vlt/testing/loose_parameters.hpp>
using namespace vlt;

namespace {

using Half = Policy<Device::cpu, Precision::bf16>;
using Full = Policy<Device::cpu, Precision::f32>;
using Block = LlamaBlock<Half, mask::Mmca>;
static_assert(std::is_same_v<Block::in::value_type, float>, "the residual stream is float");
static_assert(std::is_same_v<Block::normed::value_type, bf16>, "a norm turns stream into operand");
static_assert(std::is_same_v<decltype(param_t<Half>::grad), Matrix<float, Device::cpu>>, "gradients are float");
static_assert(std::is_same_v<RmsNorm<Half>::statistic::value_type, float>, "norm statistics are float");
static_assert(std::is_same_v<LmHead<Half>::logits_t::value_type, float>, "logits are float");

struct Outcome {
  double loss = 0;
  std::vector<double> grads;
};
template <class P> Outcome pass() {
  const BlockSizes vision{.width = 16,
                          .heads = 2,
                          .kv_heads = 2,
                          .head_dim = 8,
                          .mlp = 24,
                          .qkv_bias = true,
                          .output_bias = true,
                          .mlp_bias = true,
                          .rope = {}};
  const LlamaSizes llama{
      .vocabulary = 11,
      .depth = 2,
      .block = {.width = 16, .heads = 4, .kv_heads = 2, .head_dim = 4, .mlp = 24, .rope = Rope::plain(4, 100)}};
  using Language = LlamaDecoder<P, LlamaBlock<P, mask::Mmca>>;
  Vlm<ClipVit<P>, BaselineProjector<P>, Language> m{
      ClipVit<P>(ClipSizes{.image = 8, .patch = 4, .depth = 2, .block = vision}), baseline_projector<P>(16, 16),
      Language(llama)};
  attach_adapters(registry_of<P>(m), {"q_proj", "up_proj"}, 2, 4.0);
  auto registry = registry_of<P>(m);
  testing::LooseParameters<P::precision> memory(registry, 7, 0.2);
  std::vector<float> pixels(2 * 192);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = float(std::sin(0.37 * double(i)));
  typename decltype(m)::pixels x;
  x.data = pixels.data(), x.rows = 2, x.cols = x.stride = 192;
  const Batch b = m.batch(equal_segments(2, 1),
                          {{{1, 10, 4, 5, 10, 6, 7}, {-1, -1, -1, 5, -1, 6, 7}}, {{2, 3, 8}, {-1, 3, 8}}}, 10);
  typename decltype(m)::saved k;
  LossSums sums;
  Threads threads(2);
  std::vector<float> bytes;
  for (bool plan : {true, false}) {
    Arena a = plan ? Arena() : Arena(reinterpret_cast<std::byte*>(bytes.data()), bytes.size() * sizeof(float));
    Scope s(a, threads);
    m.forward_backward(s, x, b, 0.2, k, sums);
    bytes.assign(a.peak() / sizeof(float), NAN);
  }
  Outcome o{sums.total(), {}};
  for (auto& p : registry.params)
    if (p.trains()) o.grads.insert(o.grads.end(), p.grad->data, p.grad->data + p.grad->size());
  return o;
}

}  // namespace

TEST_CASE("bf16 gives nearly float's loss, and gradients that point the same way") {
  const Outcome half = pass<Half>(), full = pass<Full>();
  CHECK(half.loss == Approx(full.loss).epsilon(0.01));
  REQUIRE(half.grads.size() == full.grads.size());
  double dot = 0, hh = 0, ff = 0;
  for (std::size_t i = 0; i < half.grads.size(); ++i) {
    dot += half.grads[i] * full.grads[i];
    hh += half.grads[i] * half.grads[i], ff += full.grads[i] * full.grads[i];
  }
  CHECK(dot / std::sqrt(hh * ff) > 0.999);
  CHECK(hh == Approx(ff).epsilon(0.03));
}
