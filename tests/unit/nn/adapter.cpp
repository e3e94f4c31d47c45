// Adapters are chosen at run time by substrings of names, and folding them into the base gives the same function.
#include <vlt/nn/stack.hpp>
#include "check.hpp"
using namespace vlt;

namespace {

template <class L> std::vector<double> output(L& layer, const Segments& batch, Index in, Index out) {
  std::vector<double> x(std::size_t(batch.rows() * in)), y(std::size_t(batch.rows() * out));
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::sin(0.7 * double(i));
  auto tx = borrow_host<typename L::in>(x.data(), batch.rows(), in);
  auto ty = borrow_host<typename L::out>(y.data(), batch.rows(), out);
  tx.segments = ty.segments = batch;
  Threads threads;
  const Buffer<std::byte, under_test> memory(800000);
  Arena a(memory);
  Scope s(a, threads);
  infer(s, layer, tx, ty);
  return y;
}

template <class P> void merging(const std::vector<std::string>& substrings, int expected) {
  const Segments batch = testing::mixed_batch();
  Stack<LlamaBlock<P, mask::Causal>> stack(2, odd_sizes());
  CHECK(attach_adapters(registry_of<P>(stack), substrings, 3, 5.0) == expected);
  auto registry = registry_of<P>(stack);
  testing::LooseParameters memory(registry);
  const auto adapters = std::count_if(registry.params.begin(), registry.params.end(),
                                      [](const auto& p) { return p.adapter && p.trains(); });
  CHECK(adapters == 2 * expected);

  const auto adapted = output(stack, batch, 8, 8);
  const Buffer<std::byte, under_test> scratch(8000);
  Threads threads;
  Arena a(scratch);
  Scope s(a, threads);
  for (auto& l : registry.linears) l.merge(l.layer, l.which, s);
  for (auto& p : registry.params)
    if (p.name().find("lora_B") != p.name().npos) fill_values(*p.value, 0.0);
  const auto merged = output(stack, batch, 8, 8);
  for (std::size_t i = 0; i < merged.size(); ++i) CHECK(merged[i] == Approx(adapted[i]).margin(1e-12));
}

std::string names(auto&& registry, auto&& wanted) {
  std::string all;
  for (auto& p : registry.params)
    if (wanted(p))
      for (auto& part : p.parts) all += part.name + " ";
  return all;
}

}  // namespace

TEST_CASE("an adapted layer is its definition: y = x W^T + b + alpha / r (x A^T) B^T") {
  const Index rank = GENERATE(1, 3);
  const Segments batch = equal_segments(1, 4);
  Linear<Gold::adapted> layer(5, 8, true);
  CHECK((layer.adapter.rank() == 0 && layer.adapter.scale == 0));
  layer.adapter.attach(rank, 5.0, 5, 8);
  auto registry = registry_of<Gold>(layer);
  testing::LooseParameters memory(registry);
  const auto y = output(layer, batch, 8, 5);
  for (Index r = 0; r < 4; ++r)
    for (Index c = 0; c < 5; ++c) {
      double want = layer.bias.value(0, c);
      for (Index i = 0; i < 8; ++i) {
        double w = layer.weight.value(c, i);
        for (Index k = 0; k < rank; ++k)
          w += 5.0 / double(rank) * layer.adapter.b.value(c, k) * layer.adapter.a.value(k, i);
        want += std::sin(0.7 * double(r * 8 + i)) * w;
      }
      CHECK(y[std::size_t(r * 5 + c)] == Approx(want).margin(1e-14));
    }
}

TEST_CASE("merged weights give the same function") {
  merging<Gold::adapted>({"q_proj", "v_proj"}, 4);
  merging<Gold>({"1.mlp", "0.self_attn.o_proj", "k_proj"}, 6);
  merging<Gold::adapted>({"proj"}, 14);
}

TEST_CASE("names are the checkpoint's, and a weight under an adapter stands still") {
  LlamaBlock<Gold, mask::Causal> block(odd_sizes());
  attach_adapters(registry_of<Gold>(block), {"q_proj", "v_proj"}, 3, 5.0);
  CHECK(block.attention.qkv.adapter[0].scale == 5.0 / 3);
  CHECK(block.attention.qkv.adapter[1].rank() == 0);
  CHECK(names(registry_of<Gold>(block), [](auto& p) { return p.adapter; }) ==
        "self_attn.q_proj.lora_A.weight self_attn.q_proj.lora_B.weight "
        "self_attn.v_proj.lora_A.weight self_attn.v_proj.lora_B.weight ");
  CHECK(names(registry_of<Gold>(block), [](auto& p) { return !p.trains(); }) ==
        "self_attn.q_proj.weight self_attn.v_proj.weight ");
  attach_adapters(registry_of<Gold>(block), {"k_proj", "down_proj"}, 1, 1.0);
  CHECK(names(registry_of<Gold>(block), [](auto& p) { return !p.trains(); }) ==
        "self_attn.q_proj.weight self_attn.k_proj.weight self_attn.v_proj.weight mlp.down_proj.weight ");
  attach_adapters(registry_of<Gold>(block), {"proj"}, 0, 1.0);  // rank 0: none any more
  CHECK(names(registry_of<Gold>(block), [](auto& p) { return !p.trains(); }).empty());
}

TEST_CASE("adapters begin as PEFT's do") {
  Linear<Gold::adapted> layer(5, 16, true);
  attach_adapters(registry_of<Gold>(layer), {""}, 1, 2.0);
  const auto registry = registry_of<Gold>(layer);
  CHECK(registry.params[2].init == Init{Init::uniform, 0.25});
  CHECK(registry.params[3].init == Init{Init::zero});
  CHECK_FALSE(registry.params[2].one_dimensional());  // one row, and still a matrix
  CHECK(registry.params[2].decay);
}

TEST_CASE("substrings that match nothing are refused, with names that exist") {
  LlamaBlock<Gold::adapted, mask::Causal> block(odd_sizes());
  CHECK_THROWS_WITH(attach_adapters(registry_of<Gold>(block), {"qproj"}, 2, 3.0), Catch::Contains("self_attn.q_proj"));
}
