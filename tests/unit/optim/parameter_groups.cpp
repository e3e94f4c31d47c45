#include <unit/device.hpp>
#include <vlt/models/clip_vit.hpp>
#include <vlt/models/llama.hpp>
#include <vlt/models/projector.hpp>
#include <vlt/models/vlm.hpp>
#include <vlt/optim/parameter_groups.hpp>

#include <catch2/catch.hpp>

using namespace vlt;
using P = Policy<under_test, Precision::f32>;

namespace {
BlockSizes block(Index width) {
  return {.width = width,
          .heads = 2,
          .kv_heads = 2,
          .head_dim = width / 2,
          .mlp = 2 * width,
          .rope = Rope::plain(width / 2, 100)};
}
auto build() {
  const ClipSizes clip{.image = 8, .patch = 4, .depth = 1, .block = block(8)};
  const LlamaSizes llama{.vocabulary = 11, .depth = 2, .tied = false, .block = block(12)};
  Vlm<ClipVit<P::adapted>, BaselineProjector<P>, LlamaDecoder<P>> m{
      ClipVit<P::adapted>(clip), baseline_projector<P>(8, 12), LlamaDecoder<P>(llama)};
  attach_adapters(registry_of<P>(m), {"encoder.layers", "layers.1.self_attn.q_proj"}, 2, 4.0);
  return m;
}
// Every parameter with its peak rate.
std::vector<std::pair<std::string, double>> named_rates(const PeakRates& peak) {
  auto m = build();
  const auto registry = registry_of<P>(m);
  const auto rate = peak_rates(registry, peak);
  std::vector<std::pair<std::string, double>> named;
  for (std::size_t i = 0; i < rate.size(); ++i) named.push_back({registry.params[i].name(), rate[i]});
  return named;
}
bool contains(const std::string& name, const char* part) { return name.find(part) != name.npos; }
}  // namespace

TEST_CASE("what is new and what was pre-trained have rates of their own", "[optim]") {
  for (const auto& [name, rate] : named_rates({.learning_rate = 1e-3, .pretrained = 2e-5})) {
    INFO(name);
    CHECK(rate == (contains(name, "projection") || contains(name, "lora_") ? 1e-3 : 2e-5));
  }
}

TEST_CASE("a pre-trained rate of 0 means the other rate", "[optim]") {
  for (const auto& [name, rate] : named_rates({.learning_rate = 1e-3})) CHECK(rate == 1e-3);
}

TEST_CASE("an override holds for its component, adapters included", "[optim]") {
  PeakRates peak{.learning_rate = 1e-3, .pretrained = 2e-5};
  peak.component[ComponentKind::language] = 7e-4;
  peak.component[ComponentKind::projector] = 0.0;
  int adapters = 0;
  for (const auto& [name, rate] : named_rates(peak)) {
    INFO(name);
    const bool vision = contains(name, "vision_model"), adapter = contains(name, "lora_");
    adapters += adapter;
    CHECK(rate == (contains(name, "projection") ? 0 : vision ? (adapter ? 1e-3 : 2e-5) : 7e-4));
  }
  CHECK(adapters == 2 * 7);
}

TEST_CASE("parameters are counted by component, and what trains and decays", "[optim]") {
  auto m = build();
  const auto count = count_parameters(registry_of<P>(m));
  CHECK(count[ComponentKind::projector].parameters == 12 * 8 + 3 * 12);
  CHECK(count[ComponentKind::projector].trained == count[ComponentKind::projector].parameters);
  CHECK(count[ComponentKind::projector].decayed == 12 * 8);
  CHECK(count[ComponentKind::vision].trained == 2 * (4 * (8 + 8) + 8 + 16 + 16 + 8));
  CHECK(count[ComponentKind::vision].parameters > count[ComponentKind::vision].trained);
  // an adapter freezes the weight it stands on
  CHECK(count[ComponentKind::language].parameters - count[ComponentKind::language].trained == 12 * 12);
}

TEST_CASE("rates that nobody has given", "[optim]") {
  CHECK((PeakRates().learning_rate == 1e-3 && PeakRates().pretrained == 0));
  CHECK(PeakRates().of(ComponentKind::vision, false) == 1e-3);
}
