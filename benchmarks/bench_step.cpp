// One optimiser step of a decoder of SmolLM2-135M's shape, through the library's own model, engine and AdamW: CPU time
// (median of the steps after the first, least and most), share of the peak measured in the same run, and the most
// memory that was resident. Usage:
//   bench_step [full|lora] [tokens] [threads] [share of tokens that are supervised] [steps]
#include <sys/resource.h>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vlt/models/llama.hpp>
#include <vlt/models/projector.hpp>
#include <vlt/optim/initialise.hpp>
#include <vlt/train/engine.hpp>
#include <vlt/train/plan.hpp>
#include "bench.hpp"

namespace {
using namespace vlt;

struct Setting {
  Index tokens = 512;
  int threads = 2, steps = 6;
  double supervised = 1;
};

const LlamaSizes smollm2_135m{
    .vocabulary = 49152,
    .depth = 30,
    .tied = true,
    .block = {.width = 576, .heads = 9, .kv_heads = 3, .head_dim = 64, .mlp = 1536, .rope = Rope::plain(64, 100000)}};

// Useful arithmetic of a step: products with weights (forward, dx and, if they train, dw), the visible half of
// attention three times, the head for supervised tokens only.
double model_flops(const LlamaSizes& c, double tokens, double supervised, bool full) {
  const auto& b = c.block;
  const double wide = double(b.heads * b.head_dim), narrow = double(b.kv_heads * b.head_dim), width = double(b.width);
  const double weights = double(c.depth) * (width * (wide + 2 * narrow) + wide * width + 3 * width * double(b.mlp));
  const double passes = full ? 3 : 2;
  return 2 * passes * (tokens * weights + supervised * width * double(c.vocabulary)) +
         double(c.depth) * 4 * tokens * tokens * wide * 3 / 2;
}

void print(double gflop, testing::Spread cpu, testing::Spread wall, testing::Spread peak) {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  const double share = gflop / cpu.median / peak.median;
  std::printf("%.3f CPU s (%.3f to %.3f), %.3f s wall\n", cpu.median, cpu.least, cpu.most, wall.median);
  std::printf("  %.0f GFLOP, %.1f GFLOP per CPU s = %.1f %% of the peak of this run (%.1f)%s; peak RSS %ld MiB", gflop,
              gflop / cpu.median, 100 * share, peak.median, share > 1 ? ", which cannot be" : "",
              usage.ru_maxrss / 1024);
}

template <class P> void run(const Setting& o, bool full) {
  using Model = Vlm<GivenFeatures<P>, BaselineProjector<P>, LlamaDecoder<P>>;
  bench::owned_team() = std::make_unique<Threads>(o.threads);
  Threads& threads = bench::team();
  Model model{GivenFeatures<P>{64}, baseline_projector<P>(64, smollm2_135m.block.width), LlamaDecoder<P>(smollm2_135m)};
  if (!full) {
    auto linears = registry_of<P>(model);
    attach_adapters(linears, {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}, 16, 32);
    model.language.embed_tokens.layer.weight.choose(false);
  }
  auto registry = registry_of<P>(model);
  choose_panels(registry);
  ParameterStore store(std::move(registry), {});
  initialise(store, threads, 1);

  Sample sample;
  const Index first = o.tokens - std::max<Index>(1, Index(double(o.tokens) * o.supervised));
  for (Index t = 0; t <= o.tokens; ++t) {
    sample.id.push_back((t * 7919 + 13) % (smollm2_135m.vocabulary - 1) + 1);
    sample.label.push_back(t > first ? sample.id.back() : -1);
  }
  const Batch batch = model.batch(Segments{}, {sample}, 0);
  typename Model::host_pixels none{};
  const std::size_t arena = plan_training(model, threads, none, batch).arena_bytes;

  Engine engine(model, store, threads, arena);
  const std::vector<double> rates(store.registry().params.size(), 1e-4);
  double loss = 0;
  testing::Stopwatch stopwatch(threads);
  std::vector<double> cpu, wall, peak;
  for (int step = 0; step < o.steps; ++step) {
    if (step > 0) peak.push_back(bench::peak<typename P::operand>());
    const testing::Elapsed e = stopwatch.time([&] {
      engine.begin_step(Index(batch.targets.row.size()));
      engine.micro_batch(none, batch, true);
      loss = engine.finish_step(rates, 1.0).loss;
    });
    if (step > 0) cpu.push_back(e.cpu), wall.push_back(e.wall);
  }
  std::printf("%s, %s, T = %ld, %ld supervised, %d threads, loss %.4f: ",
              full ? "full fine-tuning" : "LoRA r 16 on 7 projections", bench::isa(), long(o.tokens),
              long(batch.targets.row.size()), o.threads, loss);
  print(model_flops(smollm2_135m, double(o.tokens), double(batch.targets.row.size()), full) * 1e-9,
        testing::Spread(cpu), testing::Spread(wall), testing::Spread(peak));
  std::printf(", arena %zu MiB\n", arena >> 20);
}
}  // namespace

int main(int argc, char** argv) {
  const bool full = argc < 2 || std::string(argv[1]) == "full";
  Setting o;
  if (argc > 2) o.tokens = std::atol(argv[2]);
  if (argc > 3) o.threads = std::atoi(argv[3]);
  if (argc > 4) o.supervised = std::atof(argv[4]);
  if (argc > 5) o.steps = std::atoi(argv[5]);
  if (full) run<Policy<Device::cpu, Precision::bf16, Tuning::trainable>>(o, true);
  else run<Policy<Device::cpu, Precision::bf16, Tuning::adapted>>(o, false);
}
