#include <unit/optim/lion.hpp>
#include "small_vlm.hpp"

using namespace small_vlm;

TEST_CASE("an optimiser of a user's own trains a model through the engine", "[train]") {
  using P = Policy<under_test, Precision::f64>;
  Bench<P> bench(build<Model<P>>(), 2, {}, {}, Lion{});
  const auto start = bench.masters();
  const double first = bench.step({{0, 1}, {2, 3, 4}}).loss;
  const auto once = bench.masters();
  std::size_t moved = 0;
  for (std::size_t i = 0; i < start.size(); ++i) {
    const double step = std::abs(once[i] - start[i]);
    if (step == 0) continue;
    REQUIRE(step == Approx(0.01).epsilon(1e-12));
    ++moved;
  }
  CHECK(moved > start.size() / 2);
  double last = 0;
  for (int i = 0; i < 15; ++i) last = bench.step({{0, 1}, {2, 3, 4}}).loss;
  CHECK(last < 0.6 * first);
  std::vector<std::string> slots;
  bench.store->sections([&](const auto& section) {
    if (section.kind == SectionKind::state && section.unit == 0) slots.push_back(std::string(section.slot));
  });
  CHECK(slots.size() == bench.store->unit(0).trained.size());
  CHECK(std::count(slots.begin(), slots.end(), "exp_avg") == std::ptrdiff_t(slots.size()));
}
