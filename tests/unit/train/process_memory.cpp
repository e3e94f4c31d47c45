#include <unit/device.hpp>
#include <unit/io/temporary_folder.hpp>
#include <vlt/dist/thread_group.hpp>
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

using P = Policy<under_test, Precision::bf16>;

// A decoder of `depth` layers behind given image features: most of its memory is its vocabulary's.
template <class Q> auto build(Index depth, Index vocabulary) {
  const Index width = 256;
  LlamaSizes sizes{.vocabulary = vocabulary, .depth = depth, .block = {}};
  sizes.block.width = width, sizes.block.heads = 4, sizes.block.kv_heads = 2, sizes.block.head_dim = 64;
  sizes.block.mlp = 3 * width, sizes.block.rope = Rope::plain(64, 10000);
  using Language = LlamaDecoder<Q>;
  return Vlm<GivenFeatures<P>, BaselineProjector<P>, Language>{{64}, baseline_projector<P>(64, width), Language(sizes)};
}

// What a run's ranks, threads of this process, had planned and what the process grew by.
struct RankMemory {
  std::size_t planned = 0, in_files = 0, taken_by_planning = 0, grown = 0;
};

// One rank of a run: trains two steps and evaluates.
template <class Q, class M>
void run_rank(dist::World& world, M model, bool packed, Index tokens, dist::ZeroSettings zero, RankMemory& memory) {
  const std::size_t before = anonymous_memory();
  auto registry = registry_of<Q>(model);
  const Placement placement = zero.placement(world);
  if (packed) choose_panels(registry, placement);
  Threads threads(1);
  Sample sample;
  for (Index t = 0; t < tokens; ++t)
    sample.id.push_back(t == 1 ? 0 : 1 + t % 100), sample.label.push_back(t > tokens / 2 ? sample.id.back() : -1);
  std::vector<float> features(16 * 64, 0.5f);
  const auto x = borrow_host<typename M::pixels>(features.data(), 16, 64);
  const Batch b = model.batch(equal_segments(1, 16), {sample}, 0);

  // quote: plan
  Plan plan;
  const StoreLayout layout(registry, placement);
  dist::Zero planner(layout, zero);
  add_parameters(plan, layout);
  const PassPlan training = plan_training(model, threads, x, b, &planner),
                 evaluation = plan_evaluation(model, threads, x, b, &planner), update = plan_update(planner, threads);
  add_step(plan, training, evaluation, update, 1);
  // end of quote
  memory.planned = plan.total(), memory.in_files = plan.in_files;
  memory.taken_by_planning = anonymous_memory() - before;
  world.barrier();

  const vlt::test::TemporaryFolder folder;
  const FileMemory files(folder.path);
  ParameterStore store(registry, layout, zero.offload ? &files : nullptr);
  store.fill([](const auto& p, Index e) { return p.one_dimensional() ? 1.0 : 0.01 * double(e % 13 - 6); });
  // quote: step
  Engine engine(model, store, threads, plan.of("step"), {.zero = zero}, world);
  const std::vector<double> rates(store.registry().params.size(), 1e-3);
  for (int step = 0; step < 2; ++step) {
    engine.begin_step(Index(b.targets.row.size()));
    engine.micro_batch(x, b, true);
    require(engine.finish_step(rates, 1).finite, "the step was not finite");
  }
  engine.evaluate(x, b);
  // end of quote
  world.barrier();
  memory.grown = anonymous_memory();
  world.barrier();
}

// Returns what one rank has planned.
template <class Q, class M>
RankMemory check_memory(const M& model, bool packed, Index tokens, int ranks = 1, dist::ZeroSettings zero = {}) {
  std::vector<RankMemory> of_rank(ranks);
  const std::size_t before = anonymous_memory();
  dist::ThreadGroup::run(
      ranks, [&](dist::World& world) { run_rank<Q>(world, model, packed, tokens, zero, of_rank[world.rank()]); });
  std::size_t planned = 0;
  for (const RankMemory& m : of_rank) planned += m.planned;
  const double ratio = double(of_rank[0].grown - before) / double(planned);
  INFO("grew by " << ratio << " of the plan, " << planned << " bytes");
  CHECK(planned > 200e6);
  if (has_shadow_memory) return of_rank[0];
  CHECK(of_rank[0].taken_by_planning < 4e6);  // planning took no memory
  CHECK(ratio > 0.95);
  CHECK(ratio < 1.03);
  return of_rank[0];
}
}  // namespace

TEST_CASE("a run occupies what was planned: everything trains", "[slow]") {
  check_memory<P>(build<P>(2, 70000), false, 300);
}
TEST_CASE("a run occupies what was planned: packed frozen weights, long sequence", "[slow]") {
  using Q = P::frozen;
  auto model = build<Q>(60, 20000);
  model.language.embed_tokens.layer.weight.choose(false);
  check_memory<Q>(model, true, 700);
}
TEST_CASE("ranks occupy what each of them has planned: they share everything", "[slow]") {
  check_memory<P>(build<P>(4, 40000), false, 300, 2, {3, dist::Reduce::every_micro_batch});
}
TEST_CASE("ranks occupy what each of them has planned: adapters of frozen weights that they share", "[slow]") {
  using Q = P::adapted;
  auto model = build<Q>(40, 80000);
  model.language.embed_tokens.layer.weight.choose(false);
  attach_adapters(registry_of<Q>(model), {"q_proj", "v_proj"}, 4, 8.0);
  check_memory<Q>(model, true, 300, 2, {3});
}
TEST_CASE("a run that offloads occupies less by what its plan has in files", "[slow]") {
  const auto model = build<P>(2, 70000);
  const RankMemory whole = check_memory<P>(model, false, 300),
                   offloaded = check_memory<P>(model, false, 300, 1, {0, dist::Reduce::once, true});
  CHECK(whole.in_files == 0);
  CHECK(offloaded.in_files > 400e6);
  CHECK(offloaded.planned + offloaded.in_files == whole.planned);
}
TEST_CASE("ranks that share everything and offload occupy what each of them has planned", "[slow]") {
  const RankMemory rank =
      check_memory<P>(build<P>(4, 40000), false, 300, 2, {3, dist::Reduce::every_micro_batch, true});
  CHECK(rank.in_files > 100e6);
}
