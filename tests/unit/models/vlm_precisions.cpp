// One model in three precisions: float in registers gives what the reference loops give in double, and 16-bit operands
// appear only where they may and stay close.
#include <catch2/catch.hpp>
#include <unit/device.hpp>
#include <vlt/models/clip_vit.hpp>
#include <vlt/models/llama.hpp>
#include <vlt/models/projector.hpp>
#include <vlt/models/vlm.hpp>
#include <vlt/ops/double_precision.hpp>
#include <vlt/testing/loose_parameters.hpp>
using namespace vlt;

namespace {

using Half = Policy<under_test, Precision::bf16>;
using Full = Policy<under_test, Precision::f32>;
using Gold = Policy<under_test, Precision::f64>;
using Block = LlamaBlock<Half, mask::Mmca>;
static_assert(std::is_same_v<Block::in::value_type, float>, "the residual stream is float");
static_assert(std::is_same_v<Block::normed::value_type, bf16>, "a norm turns stream into operand");
static_assert(std::is_same_v<decltype(param_t<Half>::grad), Matrix<float, under_test>>, "gradients are float");
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
  testing::LooseParameters memory(registry, 7, 0.2);
  using stream = typename P::stream;
  std::vector<stream> pixels(2 * 192);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = stream(std::sin(0.37 * double(i)));
  const auto x = borrow_host<typename decltype(m)::pixels>(pixels.data(), 2, 192);
  const Batch b = m.batch(equal_segments(2, 1),
                          {{{1, 10, 4, 5, 10, 6, 7}, {-1, -1, -1, 5, -1, 6, 7}}, {{2, 3, 8}, {-1, 3, 8}}}, 10);
  typename decltype(m)::saved k;
  LossAccumulator<under_test> sums;
  Threads threads(2);
  Buffer<std::byte, under_test> bytes;
  for (bool plan : {true, false}) {
    Arena a = plan ? Arena() : Arena(bytes);
    Scope s(a, threads);
    m.forward_backward(s, x, b, 0.2, k, sums);
    if (plan) bytes = memory_of_nans(a.peak());
  }
  Outcome o{sums.read().total(), {}};
  for (auto& p : registry.params)
    if (p.trains()) append_values(o.grads, *p.grad);
  return o;
}

// The cosine of the angle between two gradients, and the ratio of their lengths.
std::pair<double, double> compared(const Outcome& a, const Outcome& b) {
  REQUIRE(a.grads.size() == b.grads.size());
  double dot = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.grads.size(); ++i)
    dot += a.grads[i] * b.grads[i], aa += a.grads[i] * a.grads[i], bb += b.grads[i] * b.grads[i];
  return {dot / std::sqrt(aa * bb), std::sqrt(aa / bb)};
}

}  // namespace

TEST_CASE("float gives double's loss and gradients") {
  const Outcome full = pass<Full>(), gold = pass<Gold>();
  CHECK(full.loss == Approx(gold.loss).epsilon(1e-5));
  REQUIRE(full.grads.size() == gold.grads.size());
  double largest = 0, worst = 0;
  for (std::size_t i = 0; i < full.grads.size(); ++i) {
    largest = std::max(largest, std::abs(gold.grads[i]));
    worst = std::max(worst, std::abs(full.grads[i] - gold.grads[i]));
  }
  CHECK(worst < 2e-5 * largest);
}

TEMPLATE_TEST_CASE_SIG("16 bits give nearly double's loss, and gradients that point the same way", "",
                       ((Precision F), F), Precision::bf16, Precision::f16) {
  const Outcome half = pass<Policy<under_test, F>>(), gold = pass<Gold>();
  constexpr double closer = F == Precision::f16 ? 8 : 1;  // three bits more
  CHECK(half.loss == Approx(gold.loss).epsilon(0.01 / closer));
  const auto [cosine, ratio] = compared(half, gold);
  CHECK(1 - cosine < 0.001 / closer);
  CHECK(ratio == Approx(1).epsilon(0.02 / closer));
}
