#include <vlt/models/llama.hpp>
#include <vlt/models/projector.hpp>
#include <vlt/train/engine.hpp>
#include <vlt/train/plan.hpp>
#include <vlt/train/process_memory.hpp>

#include <catch2/catch.hpp>

using namespace vlt;

namespace {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool has_shadow_memory = true;  // a sanitizer keeps notes of its own about every byte
#else
constexpr bool has_shadow_memory = false;
#endif

using P = Policy<Device::cpu, Precision::bf16>;

// A decoder of `depth` layers behind given image features: most of its memory is its vocabulary's.
template <class Q> auto build(Index depth, Index vocabulary) {
  const Index width = 256;
  LlamaSizes sizes{.vocabulary = vocabulary, .depth = depth, .block = {}};
  sizes.block.width = width, sizes.block.heads = 4, sizes.block.kv_heads = 2, sizes.block.head_dim = 64;
  sizes.block.mlp = 3 * width, sizes.block.rope = Rope::plain(64, 10000);
  using Language = LlamaDecoder<Q>;
  return Vlm<GivenFeatures<P>, BaselineProjector<P>, Language>{{64}, baseline_projector<P>(64, width), Language(sizes)};
}

// Trains two steps and evaluates; what the process grew by, over the plan.
template <class Q, class M> void grown_over_planned(M model, bool packed, Index tokens) {
  const std::size_t before = anonymous_memory();
  auto registry = registry_of<Q>(model);
  if (packed) choose_panels(registry);
  Threads threads(1);
  Sample sample;
  for (Index t = 0; t < tokens; ++t)
    sample.id.push_back(t == 1 ? 0 : 1 + t % 100), sample.label.push_back(t > tokens / 2 ? sample.id.back() : -1);
  std::vector<float> features(16 * 64, 0.5f);
  const auto x = borrow_host<typename M::pixels>(features.data(), 16, 64);
  const Batch b = model.batch(equal_segments(1, 16), {sample}, 0);

  // quote: plan
  Plan plan;
  const StoreLayout<Precision::bf16> layout(registry, {});
  add_parameters(plan, layout);
  const PassPlan training = plan_training(model, threads, x, b), evaluation = plan_evaluation(model, threads, x, b);
  add_step(plan, training, evaluation, 1);
  // end of quote
  INFO(plan);
  CHECK(plan.total() > 500e6);
  if (!has_shadow_memory) CHECK(anonymous_memory() - before < 4e6);  // planning took no memory

  ParameterStore<Precision::bf16> store(registry);
  store.fill([](const auto& p, Index e) { return p.one_dimensional() ? 1.0 : 0.01 * double(e % 13 - 6); });
  // quote: step
  Engine<Precision::bf16, M> engine(model, store, threads, plan.of("step"));
  const std::vector<double> rates(store.registry().params.size(), 1e-3);
  for (int step = 0; step < 2; ++step) {
    engine.begin_step(Index(b.targets.row.size()));
    engine.micro_batch(x, b, true);
    CHECK(engine.finish_step(rates, 1).finite);
  }
  engine.evaluate(x, b);
  // end of quote
  const double ratio = double(anonymous_memory() - before) / double(plan.total());
  INFO("grew by " << ratio << " of the plan");
  if (has_shadow_memory) return;
  CHECK(ratio > 0.95);
  CHECK(ratio < 1.03);
}
}  // namespace

TEST_CASE("a run occupies what was planned: everything trains", "[slow]") {
  grown_over_planned<P>(build<P>(2, 70000), false, 300);
}
TEST_CASE("a run occupies what was planned: packed frozen weights, long sequence", "[slow]") {
  using Q = P::frozen;
  auto model = build<Q>(60, 20000);
  model.language.embed_tokens.layer.weight.choose(false);
  grown_over_planned<Q>(std::move(model), true, 700);
}
