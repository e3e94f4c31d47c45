// The head of a language model, forward and backward for supervised tokens only: final norm, logits in chunks, loss,
// and the gradients of rows and (full) weight, in percent of the peak of the same run. Usage: bench_linear_ce [threads]
#include <cstdio>
#include <cstdlib>
#include <vlt/models/lm_head.hpp>
#include <vlt/testing/loose_parameters.hpp>
#include "peak.hpp"

namespace {
using namespace vlt;

struct Case {
  Index supervised, tokens, vocabulary, width;
};

template <class P> void run(const Case& c, const char* what, Threads& threads, double peak) {
  LmHead<P> head(c.vocabulary, c.width, 1e-5, false);
  registry_t<P> registry;
  collect(head, registry, "");
  testing::LooseParameters<P::precision> parameters(registry, 1, 0.02);
  Segments batch;
  batch.append(c.tokens);
  std::vector<float> rows(std::size_t(c.tokens * c.width)), gradients(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = float(i * 2654435761u % 1000) * 0.002f - 1;
  typename LmHead<P>::in x, dx;
  x.data = rows.data(), x.rows = c.tokens, x.cols = x.stride = c.width, x.segments = &batch;
  dx = x, dx.data = gradients.data();
  Targets targets;
  for (Index i = 0; i < c.supervised; ++i) {
    targets.row.push_back(c.tokens - c.supervised + i);
    targets.id.push_back(i * 7919 % c.vocabulary);
  }
  LossSums sums;
  sums.by_group.assign(1, 0);
  const auto pass = [&](Arena& arena) {
    Scope s(arena, threads);
    head.loss(s, x, head.weight, targets, 1.0 / double(c.supervised), overwrite(dx), sums);
  };
  Arena plan;
  pass(plan);
  std::vector<std::byte> memory(plan.peak() + Arena::granule);
  void* base = memory.data();
  std::size_t room = memory.size();
  std::align(Arena::granule, plan.peak(), base, room);
  const double seconds = bench::best_seconds(4, [&] {
    Arena arena(static_cast<std::byte*>(base), plan.peak());
    pass(arena);
  });
  const double products = P::tuning == Tuning::trainable ? 3 : 2;
  const double flops = 2 * products * double(c.supervised) * double(c.vocabulary) * double(c.width);
  std::printf("%5ld of %5ld tokens supervised, %6ld x %4ld, %s head: %7.1f ms, %5.1f %%, arena %zu MiB\n",
              long(c.supervised), long(c.tokens), long(c.vocabulary), long(c.width), what, seconds * 1e3,
              flops * 1e-7 / seconds / peak, plan.peak() >> 20);
}
}  // namespace

int main(int argc, char** argv) {
  using P = Policy<Device::cpu, Precision::bf16>;
  Threads threads(argc > 1 ? std::atoi(argv[1]) : 2);
  const double peak = bench::peak<bf16>();
  std::printf("%s, %d threads, peak %.1f GFLOP per CPU s\n", bench::isa(), threads.count(), peak);
  for (const Case& c : {Case{512, 512, 49152, 576}, {128, 512, 49152, 576}, {512, 512, 32000, 2048}}) {
    run<P::trainable>(c, "trained", threads, peak);
    run<P::frozen>(c, " frozen", threads, peak);
  }
}
