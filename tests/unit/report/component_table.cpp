#include <catch2/catch.hpp>
#include <sstream>
#include <vlt/models/llama.hpp>
#include <vlt/optim/adamw.hpp>
#include <vlt/report/component_table.hpp>

using namespace vlt;

namespace {
using P = Policy<>;

LlamaDecoder<P> small() {
  return LlamaDecoder<P>(
      LlamaSizes{.vocabulary = 9,
                 .depth = 1,
                 .block = {.width = 8, .heads = 2, .kv_heads = 1, .head_dim = 4, .mlp = 12, .rope = {}}});
}
registry_t<P> language(LlamaDecoder<P>& model) {
  auto registry = registry_of<P>(model);
  for (auto& p : registry.params) p.component = ComponentKind::language;
  return registry;
}
}  // namespace

TEST_CASE("pre-trained parts that train fast are counted, and said who chose the rate") {
  auto model = small();
  const auto registry = language(model);
  Index all = 0;
  for (const auto& p : registry.params) all += p.value->size();
  PeakRates rates;
  const auto parts = report::high_rate_parts(registry, rates);
  REQUIRE(parts.size() == 2);
  CHECK(parts[0].name == "embedding");
  CHECK(parts[0].elements == 9 * 8);
  CHECK(parts[1].name == "decoder");
  CHECK(parts[1].elements == all - 9 * 8);
  CHECK(parts[0].rate == 1e-3);
  CHECK((!parts[0].asked && !parts[1].asked));
  CHECK(report::high_rate_note(parts).empty());
  const Complaint c = report::high_rate_warning(parts, false);
  CHECK(c.place() == "embedding (72 parameters), decoder (" + std::to_string(all - 72) + " parameters)");
  CHECK(c.found() == "0.001, which is --learning_rate");
  CHECK(c.help() == "add --learning_rate_pretraining_components 1e-5");
  CHECK(report::high_rate_warning(parts, true).help() ==
        "add --learning_rate_pretraining_components 1e-5, or --only_optimize_lora");

  rates.pretrained = 2e-4;
  const auto asked = report::high_rate_parts(registry, rates);
  CHECK((asked.at(0).asked && asked.at(1).asked));
  CHECK(report::high_rate_note(asked) ==
        "pre-trained tensors train faster than 1e-4, as asked: embedding at 2e-04, decoder at 2e-04");
  rates.pretrained = 1e-4;
  CHECK(report::high_rate_parts(registry, rates).empty());
  rates.pretrained = 0, rates.component[ComponentKind::language] = 0.5;
  CHECK(report::high_rate_parts(registry, rates).at(0).asked);
}

TEST_CASE("parts that are new or do not train have no pre-trained rate") {
  auto model = small();
  auto registry = language(model);
  for (auto& p : registry.params) p.component = ComponentKind::projector;
  CHECK(report::high_rate_parts(registry, PeakRates{}).empty());
  for (auto& p : registry.params) p.component = ComponentKind::vision;
  CHECK(report::high_rate_parts(registry, PeakRates{}).at(0).name == "encoder");
  for (auto& p : registry.params) p.adapter = true;
  CHECK(report::high_rate_parts(registry, PeakRates{}).empty());
}
