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
  CHECK(bias.one_dimensional());
  CHECK(bias.parts[2].row == 36);
  CHECK(bias.parts[2].rows == 12);
  CHECK(registry.params[0].name() == "input_layernorm.weight");
  CHECK(registry.params[0].parts[0].rows == 8);
  CHECK(registry.linears.size() == 7);
}

TEST_CASE("a block's parameters are listed as its forward pass reads them") {
  const auto listed = [](auto block) {
    std::string names;
    for (const auto& p : registry_of<Gold>(block).params)
      if (!p.one_dimensional() || p.role == Role::norm) names += p.name() + " ";
    return names;
  };
  CHECK(listed(LlamaBlock<Gold, mask::Causal>(odd_sizes())) ==
        "input_layernorm.weight self_attn.q_proj.weight self_attn.o_proj.weight post_attention_layernorm.weight "
        "mlp.gate_proj.weight mlp.down_proj.weight ");
  CHECK(listed(ClipBlock<Gold>(odd_sizes())) ==
        "layer_norm1.weight self_attn.q_proj.weight self_attn.out_proj.weight layer_norm2.weight mlp.fc1.weight "
        "mlp.fc2.weight ");
}

TEST_CASE("vectors do not decay") {
  LlamaBlock<Gold, mask::Causal> block(odd_sizes());
  for (const auto& p : registry_of<Gold>(block).params) {
    INFO(p.name());
    const bool vector = p.name().find("norm") != p.name().npos || p.name().find("bias") != p.name().npos;
    CHECK(p.one_dimensional() == vector);
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

TEST_CASE("the layer that owns a parameter says what it is") {
  LlamaBlock<Gold, mask::Causal> block(odd_sizes());
  attach_adapters(registry_of<Gold>(block), {"down_proj"}, 2, 4.0);
  for (const auto& p : registry_of<Gold>(block).params) {
    INFO(p.name());
    const auto named = [&](const char* part) { return p.name().find(part) != p.name().npos; };
    CHECK(p.role == (named("lora")   ? Role::adapter
                     : named("bias") ? Role::bias
                     : named("norm") ? Role::norm
                                     : Role::matrix));
    CHECK(p.packable == (p.role == Role::matrix));
  }
  LayerNorm<Gold> norm(8, 0.1);
  CHECK(registry_of<Gold>(norm).params[0].role == Role::norm);
  CHECK(registry_of<Gold>(norm).params[1].role == Role::bias);
  Embedding<Gold> embedding(9, 8);
  CHECK(registry_of<Gold>(embedding).params[0].role == Role::embedding);
}

TEST_CASE("choosing what trains gives the list that follows, and makes every earlier one old") {
  Stack<LlamaBlock<Gold, mask::Causal>> stack(2, odd_sizes());
  const auto before = registry_of<Gold>(stack);
  CHECK(before.current());
  CHECK(trains(stack));
  CHECK(stack.first_trained() == 0);
  const auto after = choose<Gold>(stack, [](const auto& p) { return p.unit == 1; });
  CHECK_FALSE(before.current());
  CHECK(after.current());
  CHECK(stack.first_trained() == 1);
  for (const auto& p : after.params) CHECK(p.trains() == (p.unit == 1));
  const auto last = choose<Gold>(stack, nothing);
  CHECK_FALSE(after.current());
  CHECK_FALSE(trains(stack));
  CHECK(stack.first_trained() == 2);
  stack.blocks[0].layer.attention.output.bias.choose(true);
  CHECK_FALSE(last.current());
  CHECK(trains(stack));
}

TEST_CASE("a list is old once adapters were attached, whatever the tuning") {
  Linear<Gold::adapted> adapted(5, 8, true);
  const auto one = registry_of<Gold>(adapted);
  attach_adapters(one, {""}, 2, 4.0);
  CHECK_FALSE(one.current());
  CHECK(trains(adapted));
  LlamaBlock<Gold::adapted, mask::Causal> group(odd_sizes());
  const auto two = registry_of<Gold>(group);
  CHECK_FALSE(trains(group));
  attach_adapters(two, {"q_proj"}, 2, 4.0);
  CHECK_FALSE(two.current());
  CHECK(trains(group));
  LlamaBlock<Gold, mask::Causal> apart(odd_sizes());
  attach_adapters(registry_of<Gold>(apart), {"q_proj"}, 2, 4.0);
  const auto three = registry_of<Gold>(apart);
  attach_adapters(three, {"k_proj"}, 2, 4.0);
  CHECK_FALSE(three.current());
}

TEST_CASE("of a fused group, what is left beside the adapters is asked as well") {
  LlamaBlock<Gold, mask::Causal> block(odd_sizes());
  attach_adapters(registry_of<Gold>(block), {"q_proj"}, 2, 4.0);
  choose<Gold>(block, [](const auto& p) { return p.name() == "self_attn.k_proj.weight"; });
  CHECK(trains(block));
  choose<Gold>(block, [](const auto& p) { return p.name() == "self_attn.q_proj.bias"; });
  CHECK(trains(block));
  choose<Gold>(block, [](const auto& p) { return p.name() == "self_attn.q_proj.lora_B.weight"; });
  CHECK(trains(block));
}

TEST_CASE("collecting a part of a model renumbers its units, and makes the list of the whole old") {
  Stack<LlamaBlock<Gold, mask::Causal>> stack(2, odd_sizes());
  const auto whole = registry_of<Gold>(stack);
  registry_of<Gold>(stack.blocks[1]);
  CHECK_FALSE(whole.current());
}

TEST_CASE("what nobody has said of a parameter") {
  const registry_t<Gold> registry;
  CHECK((registry.unit == -1 && registry.units == 0 && registry.current()));
  const ParamRef<Gold::precision, Gold::device> p;
  CHECK((p.unit == -1 && p.role == Role::matrix && p.decay && !p.packable && !p.adapter && !p.may_train()));
  CHECK((p.init == Init{Init::given, 0} && p.value == nullptr));
  const param_t<Gold> none;
  CHECK_FALSE((none.exists() || none.trains() || none.choice.selected || none.packable));
  CHECK(none.role == Role::matrix);
  const param_t<Gold> some{Shape{2, 3}, Role::matrix};
  CHECK((some.exists() && some.trains() && some.grad.rows == 2 && some.grad.cols == 3 && some.grad.stride == 3));
}
