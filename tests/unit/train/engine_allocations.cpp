#include <cstdlib>
#include <new>
#include "small_vlm.hpp"

// Counts what any thread asks of the heap while `counting` is on.
namespace {
std::atomic<bool> counting{false};
std::atomic<long> allocations{0};

void* allocate(std::size_t bytes) {
  if (counting) ++allocations;
  void* p = std::malloc(bytes ? bytes : 1);
  if (!p) throw std::bad_alloc{};
  return p;
}
void* allocate(std::size_t bytes, std::align_val_t alignment) {
  if (counting) ++allocations;
  void* p = nullptr;
  if (posix_memalign(&p, std::size_t(alignment), bytes ? bytes : 1) != 0) throw std::bad_alloc{};
  return p;
}
}  // namespace

void* operator new(std::size_t n) { return allocate(n); }
void* operator new[](std::size_t n) { return allocate(n); }
void* operator new(std::size_t n, const std::nothrow_t&) noexcept { return allocate(n); }
void* operator new[](std::size_t n, const std::nothrow_t&) noexcept { return allocate(n); }
void* operator new(std::size_t n, std::align_val_t a) { return allocate(n, a); }
void* operator new[](std::size_t n, std::align_val_t a) { return allocate(n, a); }
// Not inlined: where only one half of a pair is, g++ 12 takes `free` for a mismatch.
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete[](void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete[](void* p, std::align_val_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }

using namespace small_vlm;

namespace {
template <class P, class M = Model<P>>
long allocations_in_later_steps(M model, int threads, dist::ZeroSettings zero = {}) {
  Bench<P, M> bench(std::move(model), threads, {}, zero);
  auto large = work_of(bench.model, {0, 1, 2, 3, 4}), small = work_of(bench.model, {3});
  const Index tokens = Index(large.batch.targets.row.size() + small.batch.targets.row.size());
  for (int step = 0; step < 3; ++step) {
    allocations = 0, counting = step > 0;
    bench.engine->begin_step(tokens);
    bench.engine->micro_batch(large.view(), large.batch, false);
    bench.engine->micro_batch(small.view(), small.batch, true);
    bench.engine->finish_step(bench.rates, 1);
    counting = false;
    if (allocations > 0) return allocations;
  }
  return 0;
}
}  // namespace

TEST_CASE("the counter counts", "[train]") {
  counting = true, allocations = 0;
  Threads team(2);
  team.run([](int, int) { std::vector<int> v(100); });
  counting = false;
  CHECK(allocations >= 2);
}

TEST_CASE("after the first step, forward, backward and update allocate nothing", "[train]") {
  using F32 = Policy<under_test, Precision::f32>;
  using Half = Policy<under_test, Precision::bf16>;
  using Gold = Policy<under_test, Precision::f64>;
  using Block = Checkpoint<LlamaBlock<F32, mask::Mmca>>;
  for (int threads : {1, 2}) {
    INFO(threads << " threads");
    CHECK(allocations_in_later_steps<Half>(build<Model<Half>>(2, true), threads) == 0);
    const dist::ZeroSettings shares_all{3, dist::Reduce::every_micro_batch};
    CHECK(allocations_in_later_steps<Half>(build<Model<Half>>(2, true), threads, shares_all) == 0);
    CHECK(allocations_in_later_steps<Gold>(build<Model<Gold>>(), threads) == 0);  // Eigen included
    auto recomputed = build<Model<F32, Checkpoint<ClipBlock<F32>>, Block>>();
    auto registry = registry_of<F32>(recomputed);
    attach_adapters(registry, {"q_proj", "layers.1"}, 2, 4.0);
    CHECK(allocations_in_later_steps<F32>(std::move(recomputed), threads) == 0);
  }
}
