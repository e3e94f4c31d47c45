// REF 13.7: a whole default model against the original program's numbers, in double and float.
#include <catch2/catch.hpp>
#include <unit/device.hpp>
#include <unit/tolerance.hpp>
#include <vlt/models/llama.hpp>
#include <vlt/models/projector.hpp>
#include <vlt/models/vlm.hpp>
#include <vlt/ops/double_precision.hpp>
#include <vlt/testing/loose_parameters.hpp>
using namespace vlt;

namespace {

// Relative, or half a unit of the last printed decimal, whichever is larger.
void near(const std::string& what, double got, double want, int decimals = 7) {
  INFO(what << ": " << got << ", expected " << want);
  CHECK(std::abs(got - want) <=
        std::max(tolerance("models.reference") * std::abs(want), 0.5 * std::pow(10, -decimals)));
}

// The order in which the reference numbered its parameters.
int number_of(const std::string& name) {
  const std::vector<std::string> in_layer{"q_proj",    "k_proj",          "v_proj",
                                          "o_proj",    "gate_proj",       "up_proj",
                                          "down_proj", "input_layernorm", "post_attention_layernorm"};
  for (std::size_t i = 0; i < in_layer.size(); ++i)
    if (name.find(in_layer[i]) != name.npos) return int(i) + (name.find("layers.1") != name.npos ? 10 : 1);
  const std::vector<std::string> rest{"model.norm.weight",   "lm_head.weight",    "embed_tokens.weight",
                                      "projection.0.weight", "projection.0.bias", "projection.1.weight",
                                      "projection.1.bias"};
  for (std::size_t i = 0; i < rest.size(); ++i)
    if (name.find(rest[i]) != name.npos) return int(i) + 19;
  return -1;
}

template <class R> void set_parameters(R& registry) {
  for (auto& p : registry.params)
    for (const Part& part : p.parts) {
      const int k = number_of(part.name);
      const bool norm = part.name.find("norm") != part.name.npos || k == 24;
      auto* at = p.value->data + p.first(part);
      for (Index e = 0; e < p.size(part); ++e) {
        const double wave = std::sin(1.7 * double(e) + 0.9 * k);
        at[e] = std::remove_reference_t<decltype(*at)>(float(norm ? 1 + 0.1 * wave : 0.3 * wave));
      }
    }
}

template <class R> double grad_norm(const R& registry, const std::string& name) {
  double sum = 0;
  for (auto& p : registry.params)
    for (const Part& part : p.parts)
      if (part.name.find(name) != part.name.npos)
        for (Index e = 0; e < p.size(part); ++e) sum += std::pow(double(p.grad->data[p.first(part) + e]), 2);
  return std::sqrt(sum);
}

// logits[0, 5, 0..3] and logits[1, 6, 0..3] of the reference: rows 5 and 9 + 6 of the packed batch.
template <class Model> void check_logits(Model& model, typename Model::pixels x, const Batch& b) {
  using M = typename Model::tokens::value_type;
  std::vector<M> hidden(std::size_t(b.text.rows() * 16)), logits(2 * 20);
  auto y = borrow_host<typename Model::tokens>(hidden.data(), b.text.rows(), 16);
  y.segments = b.text;
  const Buffer<std::byte, under_test> bytes(1 << 20);
  Arena a(bytes);
  Threads threads;
  Scope s(a, threads);
  model.hidden(s, x, b, y);
  const Index rows[2] = {5, 15};
  model.language.logits(s, y, rows, borrow_host<Matrix<M, under_test>>(logits.data(), 2, 20));
  const double want[2][4] = {{0.001622, 0.081300, -0.079071, -0.005974}, {0.471755, -0.227280, -0.255239, 0.470430}};
  for (std::size_t r = 0; r < 2; ++r)
    for (std::size_t c = 0; c < 4; ++c) near("logit", double(logits[r * 20 + c]), want[r][c], 6);
}

}  // namespace

TEMPLATE_TEST_CASE("the whole default model gives the reference's loss, gradients and logits", "[golden]",
                   (Policy<under_test, Precision::f64>), (Policy<under_test, Precision::f32>)) {
  using P = TestType;
  using M = typename P::operand;
  const LlamaSizes sizes{.vocabulary = 20,
                         .depth = 2,
                         .block = {.width = 16,
                                   .heads = 4,
                                   .kv_heads = 2,
                                   .head_dim = 4,
                                   .mlp = 24,
                                   .norm_eps = 1e-5,
                                   .rope = Rope::plain(4, 10000)}};
  using Model = Vlm<GivenFeatures<P>, BaselineProjector<P>, LlamaDecoder<P>>;
  Model model{{6}, baseline_projector<P>(6, 16), LlamaDecoder<P>(sizes)};
  auto registry = registry_of<P>(model);
  testing::LooseParameters memory(registry);
  set_parameters(registry);

  std::vector<M> image(2 * 3 * 6);
  for (std::size_t i = 0; i < image.size(); ++i) image[i] = M(float(std::sin(0.5 * double(i))));
  const auto x = borrow_host<typename Model::pixels>(image.data(), 6, 6);
  const Batch b = model.batch(
      equal_segments(2, 3),
      {{{1, 5, 18, 7, 8, 9, 2}, {-100, -100, -100, -100, 8, 9, 2}}, {{1, 18, 6, 10, 2}, {-100, -100, -100, 10, 2}}},
      18);
  LossAccumulator<under_test> sums;
  Buffer<std::byte, under_test> bytes;
  Threads threads;
  for (bool plan : {true, false}) {
    Arena a = plan ? Arena() : Arena(bytes);
    Scope s(a, threads);
    typename Model::saved k;
    model.forward_backward(s, x, b, 0.2, k, sums);  // five supervised tokens
    if (plan) bytes = memory_of_nans(a.peak());
  }
  near("loss", sums.read().total(), 3.1302669);
  near("embed_tokens", grad_norm(registry, "embed_tokens"), 0.2612616);
  near("projection.0.weight", grad_norm(registry, "projection.0.weight"), 0.0823504);
  near("projection.0.bias", grad_norm(registry, "projection.0.bias"), 0.0382281);
  near("projection.1.weight", grad_norm(registry, "projection.1.weight"), 0.0069088);
  near("projection.1.bias", grad_norm(registry, "projection.1.bias"), 0.0090299);
  near("layer 0 q_proj", grad_norm(registry, "layers.0.self_attn.q_proj"), 0.1223246);
  near("layer 1 down_proj", grad_norm(registry, "layers.1.mlp.down_proj"), 0.0407691);
  near("lm_head", grad_norm(registry, "lm_head"), 1.7549014);
  check_logits(model, x, b);
}
