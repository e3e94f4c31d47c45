#include <vlt/dist/thread_group.hpp>
#include "small_vlm.hpp"

using namespace small_vlm;

namespace {
using P = Policy<under_test, Precision::f64>;
using M = Model<P>;
}  // namespace

TEST_CASE("a step that is not finite writes nothing, and the next one is as if it had not been", "[train]") {
  Bench<P> disturbed(build<M>()), calm(build<M>());
  disturbed.step({{0, 1}}), calm.step({{0, 1}});
  const auto before = disturbed.masters();

  auto good = work_of(disturbed.model, {2}), bad = work_of(disturbed.model, {1});
  bad.pixels[5] = std::nan("");
  disturbed.engine->begin_step(8);
  disturbed.engine->micro_batch(good.view(), good.batch, false);
  disturbed.engine->micro_batch(bad.view(), bad.batch, true);
  const StepResult& r = disturbed.engine->finish_step(disturbed.rates, 1);
  CHECK_FALSE(r.finite);
  CHECK(std::isnan(r.loss));
  CHECK(disturbed.masters() == before);
  CHECK(disturbed.engine->updates() == 1);
  for (int u = 0; u < disturbed.store->units(); ++u)
    for (double g : disturbed.store->unit(u).grads.data()) REQUIRE(g == 0);

  CHECK(disturbed.step({{2, 3}}).finite);
  calm.step({{2, 3}});
  CHECK(disturbed.masters() == calm.masters());
}

TEST_CASE("an infinite gradient under a finite loss is noticed", "[train]") {
  Bench<P> bench(build<M>());
  const auto before = bench.masters();
  auto w = work_of(bench.model, {0});
  bench.engine->begin_step(3);
  bench.engine->micro_batch(w.view(), w.batch, true);
  bench.store->unit(3).grads.data()[1] = INFINITY;
  const StepResult& r = bench.engine->finish_step(bench.rates, 1);
  CHECK(std::isfinite(r.loss));
  CHECK_FALSE(r.finite);
  CHECK(bench.masters() == before);
}

namespace {
// Says that its loss is infinite, and has finite gradients.
struct Overflowing {
  using host_pixels = M::host_pixels;
  struct saved {};
  param_t<P> weight{Shape{3, 5}, Role::matrix};
  void forward_backward(Scope& s, host_pixels, const Batch&, double, saved&, LossAccumulator<under_test>& sums) {
    s.run("loss", {}, [&] { weight.grad.data[4] = 1, sums.sums()(0, 0) = INFINITY; });
  }
};
}  // namespace

TEST_CASE("an infinite loss over finite gradients is noticed", "[train]") {
  Overflowing model;
  Registry<Precision::f64, under_test> registry;
  registry.units = 1, registry.unit = 0;
  registry.add(model.weight, {{"weight", 0, 3}});
  ParameterStore store(registry);
  Threads threads(1);
  Engine engine(model, store, threads, 0);
  engine.begin_step(1);
  engine.micro_batch({}, {}, true);
  const StepResult& r = engine.finish_step({}, 1);
  CHECK(r.grad_norm == 1);
  CHECK_FALSE(r.finite);
  CHECK(model.weight.value.data[4] == 0);
  CHECK(model.weight.grad.data[4] == 0);
}

// A power of two rounds nothing; a step is clipped and updated as without it.
TEST_CASE("a loss scale changes no bit of a step", "[train]") {
  Bench<P> scaled(build<M>()), plain(build<M>());
  for (const double scale : {65536.0, 0.25}) {
    for (Bench<P>* b : {&scaled, &plain}) {
      b->engine->begin_step(7, b == &scaled ? scale : 1);
      for (const int i : {0, 2}) {
        auto w = work_of(b->model, {i});
        b->engine->micro_batch(w.view(), w.batch, i == 2);
      }
    }
    CHECK(scaled.store->unit(3).grads.data()[1] == scale * plain.store->unit(3).grads.data()[1]);
    const StepResult a = scaled.engine->finish_step(scaled.rates, 0.1), b = plain.engine->finish_step(plain.rates, 0.1);
    CHECK(a.loss == b.loss);
    CHECK(a.group_loss == b.group_loss);
    CHECK(a.grad_norm == b.grad_norm);
    CHECK(a.grad_norm > 0.1);
    CHECK(scaled.masters() == plain.masters());
  }
}

// Gradients of logits beyond 65504.
TEST_CASE("fp16 skips the step of a loss scale that is too large, and takes it with a smaller one", "[train]") {
  using H = Policy<under_test, Precision::f16>;
  Bench<H> bench(build<Model<H>>());
  const auto before = bench.masters();
  bool finite = false;
  double scale = 0x1p24;
  for (; !finite && scale > 1; scale /= 2) {
    bench.engine->begin_step(3, scale);
    auto w = work_of(bench.model, {0});
    bench.engine->micro_batch(w.view(), w.batch, true);
    const StepResult& r = bench.engine->finish_step(bench.rates, 1);
    CHECK(std::isfinite(r.loss));
    finite = r.finite;
    CHECK((bench.masters() != before) == finite);
    CHECK(bench.engine->updates() == (finite ? 1 : 0));
  }
  CHECK(scale < 0x1p23);
  CHECK(scale > 0x1p12);
}

TEST_CASE("a micro-batch larger than the plan is refused before it begins", "[train]") {
  Bench<P> bench(build<M>()), calm(build<M>());
  auto w = work_of(bench.model, {0, 1, 2, 3, 4});
  auto larger = work_of(bench.model, {0, 1, 2, 3, 4, 2});
  bench.engine->begin_step(12);
  try {
    bench.engine->micro_batch(larger.view(), larger.batch, true);
    FAIL("it was accepted");
  } catch (const Error& e) {
    CHECK(e.exit() == ExitCode::memory);
    CHECK(e.complaint().code() == "MEM-ARENA-001");
  }
  bench.step({{0, 1, 2, 3, 4}}), calm.step({{0, 1, 2, 3, 4}});
  CHECK(bench.masters() == calm.masters());
}

TEST_CASE("calls out of order are refused", "[train]") {
  Bench<P> bench(build<M>());
  auto w = work_of(bench.model, {0});
  CHECK_THROWS_AS(bench.engine->micro_batch(w.view(), w.batch, true), std::invalid_argument);
  CHECK_THROWS_AS(bench.engine->finish_step(bench.rates, 1), std::invalid_argument);
  CHECK(bench.engine->begin_step(0) == 0);
  CHECK_THROWS_AS(bench.engine->micro_batch(w.view(), w.batch, true), std::invalid_argument);
  CHECK(bench.engine->begin_step(3) == 3);
  w.batch.targets.group.assign(3, 2);
  CHECK_THROWS_AS(bench.engine->micro_batch(w.view(), w.batch, true), std::invalid_argument);
}

TEST_CASE("engines of several ranks report and train as one", "[threads]") {
  Bench<P> alone(build<M>());
  const StepResult one = alone.step({{0, 1}, {2, 4}});
  std::vector<StepResult> result(2);
  std::vector<std::vector<double>> masters(2);
  dist::ThreadGroup::run(2, [&](dist::World& world) {
    M model = build<M>();
    ParameterStore store(registry_of<P>(model), {world.rank(), 2}, AdamW{.epsilon = 1e-3});
    store.fill([](const auto& p, Index e) { return start(p, e); });
    Threads threads(1);
    const EngineSettings settings{.groups = 2, .count_correct = true};
    Engine engine(model, store, threads, 1 << 22, settings, world);
    auto w = work_of(model, world.rank() == 0 ? std::vector<int>{0, 1} : std::vector<int>{2, 4});
    engine.begin_step(Index(w.batch.targets.row.size()));
    engine.micro_batch(w.view(), w.batch, true);
    result[world.rank()] = engine.finish_step(std::vector<double>(store.registry().params.size(), 0.01), 1);
    for (int u = 0; u < store.units(); ++u)
      append_values(masters[world.rank()], store.unit(u).master.row(alone.store->unit(u).all));
  });
  for (const StepResult& r : result) {
    CHECK(r.loss == Approx(one.loss).epsilon(1e-13));
    CHECK(r.grad_norm == Approx(one.grad_norm).epsilon(1e-12));
    CHECK(r.correct == one.correct);
    CHECK(r.supervised == one.supervised);
    CHECK(r.group_supervised == one.group_supervised);
  }
  CHECK(masters[0] == masters[1]);
  CHECK(distance(alone.masters(), masters[0]) < 1e-12);
}
