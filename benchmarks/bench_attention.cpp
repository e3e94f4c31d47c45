// Causal attention, forward and backward, in percent of the peak of the same run. Only the visible half of the products
// counts as work; backward is 2.5 times forward. Usage: bench_attention [threads]
#include <cstdio>
#include <cstdlib>
#include <vlt/ops/attention.hpp>
#include <vlt/tensor/buffer.hpp>
#include "peak.hpp"

namespace {
using namespace vlt;

struct Case {
  Index tokens, heads, kv_heads, head_dim;
};

void run(const Case& c, Threads& threads, double peak) {
  Segments batch;
  batch.append(c.tokens);
  const Index wide = c.heads * c.head_dim, narrow = c.kv_heads * c.head_dim;
  Buffer<bf16> memory(c.tokens * (4 * wide + 4 * narrow));
  Buffer<float> lse_memory(c.tokens * c.heads);
  for (Index i = 0; i < memory.size(); ++i) memory.data()[i] = bf16(float(i * 2654435761u % 1000) * 0.002f - 1);
  Index at = 0;
  const auto matrix = [&](Index cols) {
    at += c.tokens * cols;
    return CpuMatrix<bf16>{memory.data() + at - c.tokens * cols, c.tokens, cols, cols};
  };
  const auto q = matrix(wide), o = matrix(wide), d_o = matrix(wide), dq = matrix(wide), k = matrix(narrow),
             v = matrix(narrow), dk = matrix(narrow), dv = matrix(narrow);
  const CpuMatrix<float> lse{lse_memory.data(), c.tokens, c.heads, c.heads};
  const ops::AttentionShape shape{c.heads, c.kv_heads, c.head_dim, &batch, &batch};
  const auto forward = [&](Scope& s) { ops::attention<mask::Causal>(s, shape, q, k, v, o, lse); };
  const auto backward = [&](Scope& s) {
    ops::attention_backward<mask::Causal>(s, shape, d_o, q, k, v, lse, dq, dk, dv, o);
  };
  Arena plan;
  Scope planned(plan, threads);
  forward(planned), backward(planned);
  Buffer<std::byte> work{Index(plan.peak())};
  Arena arena(work.data(), work.bytes());
  Scope s(arena, threads);
  const double flops = 2.0 * double(c.head_dim) * double(c.tokens) * double(c.tokens + 1) * double(c.heads);
  const double first = bench::best_seconds(9, [&] { forward(s); }),
               second = bench::best_seconds(9, [&] { backward(s); });
  std::printf("%6ld tokens, %2ld / %ld heads of %3ld: forward %7.2f ms %5.1f %%, backward %7.2f ms %5.1f %%\n",
              long(c.tokens), long(c.heads), long(c.kv_heads), long(c.head_dim), first * 1e3,
              flops * 1e-7 / first / peak, second * 1e3, 2.5 * flops * 1e-7 / second / peak);
}
}  // namespace

int main(int argc, char** argv) {
  Threads threads(argc > 1 ? std::atoi(argv[1]) : 2);
  const double peak = bench::peak<bf16>();
  std::printf("causal attention, bf16, %s, %d threads, peak %.1f GFLOP per CPU s\n", bench::isa(), threads.count(),
              peak);
  for (const Case& c : {Case{512, 9, 3, 64}, {1024, 9, 3, 64}, {2048, 9, 3, 64}, {577, 16, 16, 64}, {2048, 8, 8, 128}})
    run(c, threads, peak);
}
