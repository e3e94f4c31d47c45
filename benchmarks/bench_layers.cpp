// Layers of the two model families at realistic sizes: CPU time of forward and backward, share of the peak measured in
// the same run, memory. Usage: bench_layers [threads]
#include <cstdio>
#include <cstdlib>
#include <vlt/nn/pre_norm_block.hpp>
#include <vlt/testing/bench_layer.hpp>
#include "peak.hpp"

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

template <class P> void run(const char* precision, int threads) {
  const double peak = bench::peak<typename P::operand>();
  std::printf("%s, %s, %d threads, peak %.1f GFLOP per CPU s\n", bench::isa(), precision, threads, peak);
  const testing::BenchOptions options{.threads = threads, .peak_gflops = peak};
  Segments text, images;
  text.append(512);
  for (int i = 0; i < 4; ++i) images.append(197, TokenKind::image);
  const auto report = [&](const char* name, auto layer, Index width, const Segments& batch) {
    std::printf("%s\n%s", name, testing::bench_layer<P>(layer, {batch.rows(), width}, batch, options).text().c_str());
  };
  report("LlamaBlock, causal, 512 tokens of 576", LlamaBlock<P, mask::Causal>(smollm2_135m), 576, text);
  report("LlamaBlock, MMCA, 512 tokens of 576", LlamaBlock<P, mask::Mmca>(smollm2_135m), 576, text);
  report("ClipBlock, 4 x 197 tokens of 768", ClipBlock<P>(vit_base), 768, images);
  report("SwiGlu, 512 tokens of 576", SwiGlu<P>(smollm2_135m), 576, text);
  report("SelfAttention, causal, 512 tokens of 576", SelfAttention<P, mask::Causal>(smollm2_135m), 576, text);
}
}  // namespace

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : 2;
  run<Policy<Device::cpu, Precision::bf16>>("bf16", threads);
  run<Policy<Device::cpu, Precision::f32>>("float", threads);
}
