// Planning: bytes and arithmetic of a step of a 7B model, from the code that would run, without weights and without
// memory.
#include <catch2/catch.hpp>
#include <chrono>
#include <unit/device.hpp>
#include <vlt/models/clip_vit.hpp>
#include <vlt/models/llama.hpp>
#include <vlt/models/projector.hpp>
#include <vlt/models/vlm.hpp>
#include <vlt/nn/checkpoint.hpp>
#include <vlt/ops/double_precision.hpp>
using namespace vlt;

namespace {

using P = Policy<under_test, Precision::bf16>;
using Block = LlamaBlock<P::adapted, mask::Causal>;

const ClipSizes clip_large{.image = 336,
                           .patch = 14,
                           .depth = 24,
                           .block = {.width = 1024,
                                     .heads = 16,
                                     .kv_heads = 16,
                                     .head_dim = 64,
                                     .mlp = 4096,
                                     .qkv_bias = true,
                                     .output_bias = true,
                                     .mlp_bias = true,
                                     .rope = {}}};
const LlamaSizes llama_7b{.vocabulary = 32001,
                          .depth = 32,
                          .block = {.width = 4096,
                                    .heads = 32,
                                    .kv_heads = 32,
                                    .head_dim = 128,
                                    .mlp = 11008,
                                    .norm_eps = 1e-5,
                                    .rope = Rope::plain(128, 10000)}};

struct Planned {
  double forward_flops, step_flops, step_bytes, evaluation_bytes;
};
// One sequence of 1024 tokens, 577 of them an image, 300 supervised.
template <class Language> Planned plan(Language language, const std::vector<std::string>& adapters = {}) {
  using Tower = ClipVit<typename P::frozen>;
  Vlm<Tower, BaselineProjector<P>, Language> m{Tower(clip_large), baseline_projector<P>(1024, 4096),
                                               std::move(language)};
  if (!adapters.empty()) attach_adapters(registry_of<P>(m), adapters, 16, 32);
  registry_of<P>(m);
  Sample sample;
  sample.id.assign(448, 5), sample.label.assign(448, -1), sample.id[3] = 32000;
  std::fill(sample.label.end() - 300, sample.label.end(), 5);
  const Batch b = m.batch(equal_segments(1, 1), {sample}, 32000);
  typename decltype(m)::pixels x;
  x.rows = 1, x.cols = x.stride = 3 * 336 * 336;
  typename decltype(m)::saved k;
  LossAccumulator<P::device> sums;
  Threads threads;
  Arena training, evaluation;
  Scope s(training, threads), e(evaluation, threads);
  m.evaluate(e, x, b, 1, sums);
  m.forward_backward(s, x, b, 1, k, sums);
  CHECK(sums.read().total() == 0);  // nothing was executed
  return {e.total().flops, s.total().flops, double(training.peak()), double(evaluation.peak())};
}

}  // namespace

TEST_CASE("five plans of a 7B model, quickly") {
  const auto start = std::chrono::steady_clock::now();
  using Adapted = LlamaDecoder<P::adapted, Block>;
  const Planned frozen = plan(LlamaDecoder<P::frozen>(llama_7b));
  const Planned some = plan(Adapted(llama_7b), {"q_proj", "v_proj"}), all = plan(Adapted(llama_7b), {"model.layers"});
  const Planned again = plan(LlamaDecoder<P::adapted, Checkpoint<Block>>(llama_7b), {"model.layers"});
  const Planned full = plan(LlamaDecoder<P>(llama_7b));
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();

  // less is kept where less trains, and much less where blocks are recomputed
  CHECK(frozen.step_bytes < some.step_bytes);
  CHECK(some.step_bytes < all.step_bytes);
  CHECK(again.step_bytes < all.step_bytes / 4);
  // evaluation hardly depends on what trains
  CHECK(frozen.evaluation_bytes == Approx(full.evaluation_bytes).epsilon(0.05));
  // a backward costs two forwards if everything trains and one if nothing does; attention and head come on top
  const double forward = 2 * 1024 * 32.0 * (4.0 * 4096 * 4096 + 3.0 * 4096 * 11008);
  CHECK((full.step_flops - full.forward_flops) / (2 * forward) == Approx(1).epsilon(0.15));
  CHECK((frozen.step_flops - frozen.forward_flops) / forward == Approx(1).epsilon(0.15));
  CHECK(seconds < 10);
}

TEST_CASE("the cost of a block is that of its products") {
  using Q = Policy<under_test, Precision::f64>;
  const Segments batch = equal_segments(2, 7, TokenKind::text);
  LlamaBlock<Q, mask::Causal> block({.width = 8, .heads = 4, .kv_heads = 2, .head_dim = 6, .mlp = 10, .rope = {}});
  decltype(block)::in x;
  x.rows = 14, x.cols = x.stride = 8, x.segments = batch;
  Arena plan;
  Threads threads;
  CostTable table;
  Scope s(plan, threads, nullptr, &table);
  decltype(block)::saved k;
  block.forward(s, x, x, k);
  const double weights = 48 * 8 + 8 * 24 + 20 * 8 + 8 * 10;  // qkv, output, gate and up, down
  CHECK(table.line["gemm"].calls == 4);
  CHECK(table.line["gemm"].cost.flops == 2 * 14 * weights);
  CHECK(table.line["attention"].cost.flops == 4 * (49 + 49) * 4 * 6);
  double sum = 0;
  for (auto& [name, line] : table.line) sum += line.cost.flops;
  CHECK(sum == s.total().flops);
}
