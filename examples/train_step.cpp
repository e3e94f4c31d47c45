// train_step: one training step of a vision-language model, from nothing, with the library's public headers.
#include <cstdio>
#include <vlt/models/clip_vit.hpp>
#include <vlt/models/llama.hpp>
#include <vlt/models/projector.hpp>
#include <vlt/optim/initialise.hpp>
#include <vlt/optim/parameter_groups.hpp>
#include <vlt/optim/schedule.hpp>
#include <vlt/train/engine.hpp>
#include <vlt/train/plan.hpp>

using namespace vlt;

// 1. Types: where and in which precision it computes, and that its parameters may train. A model is three components.
using P = Policy<Device::cpu, Precision::f32, Tuning::trainable>;
using Model = Vlm<ClipVit<P>, BaselineProjector<P>, LlamaDecoder<P>>;

// 2. Sizes are data: a configuration file could say them as well.
ClipSizes vision_sizes() {
  ClipSizes c;
  c.image = 32, c.patch = 8, c.depth = 2;
  c.block.width = 64, c.block.heads = c.block.kv_heads = 4, c.block.head_dim = 16, c.block.mlp = 128;
  c.block.qkv_bias = c.block.output_bias = c.block.mlp_bias = true;
  return c;
}
LlamaSizes language_sizes() {
  LlamaSizes c;
  c.vocabulary = 100, c.depth = 2, c.tied = true;
  c.block.width = 64, c.block.heads = 4, c.block.kv_heads = 2, c.block.head_dim = 16, c.block.mlp = 128;
  c.block.rope = Rope::plain(c.block.head_dim, 10000.0);
  return c;
}

// 3. A batch: two conversations as token ids, one with a picture. Token 99 marks where a picture's tokens go; labels
// are
//    the ids that are learnt, -1 elsewhere. Nothing is padded.
constexpr Index picture = 99;
std::vector<Sample> conversations() {
  return {{{1, picture, 20, 21, 22, 40, 41, 2}, {-1, -1, -1, -1, -1, 40, 41, 2}},
          {{1, 30, 31, 50, 2}, {-1, -1, -1, 50, 2}}};
}

int main() {
  Threads threads(2);
  const ClipSizes vision = vision_sizes();
  const LlamaSizes language = language_sizes();
  Model model{ClipVit<P>(vision), baseline_projector<P>(vision.block.width, language.block.width),
              LlamaDecoder<P>(language)};

  // 4. What trains, and the list of parameters that follows. Here the tower is frozen: it gets no backward pass.
  auto registry = choose<P>(model, [](const auto& p) { return p.component != ComponentKind::vision; });

  std::vector<float> pixels(3 * 32 * 32);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = float(i % 7) / 7 - 0.5f;
  const auto x = borrow_host<Model::pixels>(pixels.data(), 1, Index(pixels.size()));
  Segments images;
  images.append(1, TokenKind::image);
  const Batch batch = model.batch(images, conversations(), picture);

  // 5. The plan: the step's own code runs once without computing, and says how much memory and arithmetic it needs.
  const PassPlan plan = plan_training(model, threads, x, batch);
  std::printf("plan: %zu bytes of activations, %.3g MFLOP\n", plan.arena_bytes, plan.cost.flops * 1e-6);

  // 6. Memory: weights, gradients, master copies and moments in one store; initial values by seed and name.
  ParameterStore store(registry);
  initialise(store, threads, 1234);

  // 7. Steps: forward, backward, clipping, AdamW. Rates are per parameter, times the schedule's factor.
  Engine engine(model, store, threads, plan.arena_bytes);
  PeakRates peak;
  peak.learning_rate = 3e-3;
  const std::vector<double> rates = peak_rates(registry, peak);
  const Schedule schedule = make_schedule(ScheduleKind::cosine, 20, 2, peak.learning_rate);
  double first = 0, last = 0;
  for (Index step = 0; step < 20; ++step) {
    std::vector<double> now = rates;
    for (double& rate : now) rate *= schedule.factor(step);
    engine.begin_step(Index(batch.targets.row.size()));
    engine.micro_batch(x, batch, true);
    const StepResult& r = engine.finish_step(now, 1.0);
    if (step == 0) first = r.loss;
    last = r.loss;
    std::printf("step %2d  loss %.4f  gradient norm %.4f\n", int(step + 1), r.loss, r.grad_norm);
  }
  return last < first ? 0 : 1;
}
