// What a model says of its parameters: names, fused parts, what decays, how they begin, in which unit they live.
#include <vlt/nn/embedding.hpp>
#include <vlt/nn/stack.hpp>
#include "check.hpp"
using namespace vlt;

TEST_CASE("a fused parameter has the parts of the checkpoint") {
  LlamaBlock<Gold, mask::Causal> block(odd_sizes());
  const auto registry = registry_of<Gold>(block);
  const auto& qkv = registry.params[1];
  REQUIRE(qkv.parts.size() == 3);
  CHECK(qkv.parts[1].name == "self_attn.k_proj.weight");
  CHECK(qkv.parts[1].row == 24);
  CHECK(qkv.parts[1].rows == 12);
  const auto& bias = registry.params[2];
  REQUIRE(bias.parts.size() == 3);  // of a vector, parts count elements
  CHECK(bias.vector);
  CHECK(bias.parts[2].row == 36);
  CHECK(bias.parts[2].rows == 12);
  CHECK(registry.params[0].name() == "input_layernorm.weight");
  CHECK(registry.params[0].parts[0].rows == 8);
  CHECK(registry.linears.size() == 7);
}

TEST_CASE("vectors do not decay") {
  LlamaBlock<Gold, mask::Causal> block(odd_sizes());
  for (const auto& p : registry_of<Gold>(block).params) {
    INFO(p.name());
    const bool vector = p.name().find("norm") != p.name().npos || p.name().find("bias") != p.name().npos;
    CHECK(p.vector == vector);
    CHECK(p.decay == !vector);
  }
  Linear<Gold> narrow(1, 8, true);
  CHECK(registry_of<Gold>(narrow).params[0].decay);  // (1, 8), and still a matrix
}

TEST_CASE("parameters say how they begin") {
  LlamaBlock<Gold, mask::Causal> block(odd_sizes());
  for (const auto& p : registry_of<Gold>(block).params) {
    INFO(p.name());
    const bool norm = p.name().find("norm") != p.name().npos, bias = p.name().find("bias") != p.name().npos;
    CHECK(p.init == (norm ? Init{Init::one} : bias ? Init{Init::zero} : Init{Init::normal, 0.02}));
  }
}

TEST_CASE("every block of a stack is a unit, and units do not nest") {
  Stack<LlamaBlock<Gold, mask::Causal>> stack(3, odd_sizes());
  const auto registry = registry_of<Gold>(stack);
  CHECK(registry.units == 3);
  CHECK(registry.params.front().unit == 0);
  CHECK(registry.params.back().unit == 2);
  CHECK(registry.params.back().name() == "2.mlp.down_proj.bias");
  Unit<Stack<LlamaBlock<Gold, mask::Causal>>> nested{stack};
  CHECK_THROWS_WITH(registry_of<Gold>(nested), Catch::Contains("unit"));
}

TEST_CASE("a frozen type has no gradient, an adapted one only its adapters'") {
  Linear<Gold::frozen> frozen(5, 8, true);
  for (const auto& p : registry_of<Gold>(frozen).params) CHECK(p.grad == nullptr);
  CHECK(registry_of<Gold>(frozen).linears.empty());
  Linear<Gold::adapted> adapted(5, 8, true);
  attach_adapters(registry_of<Gold>(adapted), {""}, 2, 4.0);
  for (const auto& p : registry_of<Gold>(adapted).params) CHECK((p.grad != nullptr) == p.adapter);
}

TEST_CASE("packing is for frozen products") {
  LlamaBlock<Gold, mask::Causal> block(odd_sizes());
  auto registry = registry_of<Gold>(block);
  *registry.params[1].chosen = false;
  choose_panels(registry);
  for (const auto& p : registry.params) CHECK(p.value->packed == (&p == &registry.params[1]));
}
