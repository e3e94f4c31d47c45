#include "small_vlm.hpp"

using namespace small_vlm;

namespace {
template <Precision F> using All = Policy<under_test, F>;

const std::vector<std::vector<std::vector<int>>> splits{
    {{0, 1, 2, 3}}, {{0, 1}, {2, 3}}, {{0}, {1}, {2}, {3}}, {{0, 1, 2}, {3}}, {{3, 1}, {0, 2}}};

struct Trained {
  StepResult result;
  std::vector<double> masters;
};
template <Precision F> Trained train(const std::vector<std::vector<int>>& micro_batches, int threads = 1) {
  Bench<All<F>> bench(build<Model<All<F>>>(), threads);
  bench.step(micro_batches);
  return {bench.step(micro_batches), bench.masters()};
}
template <Precision F> void compare(double tolerance) {
  const Trained whole = train<F>(splits[0]);
  CHECK(whole.result.grad_norm > 1);  // clipping was at work
  for (std::size_t i = 1; i < splits.size(); ++i) {
    const Trained t = train<F>(splits[i]);
    INFO("split " << i);
    CHECK(t.result.loss == Approx(whole.result.loss).epsilon(tolerance));
    CHECK(t.result.grad_norm == Approx(whole.result.grad_norm).epsilon(tolerance));
    CHECK(distance(t.masters, whole.masters) < tolerance);
    for (int g = 0; g < 2; ++g) CHECK(t.result.group_loss[g] == Approx(whole.result.group_loss[g]).epsilon(tolerance));
    CHECK(t.result.supervised == whole.result.supervised);
    CHECK(t.result.correct == whole.result.correct);
  }
}
}  // namespace

TEST_CASE("loss, gradients and weights do not depend on how a step's batch is split", "[train]") {
  compare<Precision::f64>(1e-12);
  compare<Precision::f32>(3e-5);
}

TEST_CASE("a step gives the same bits for any number of threads", "[train]") {
  const Trained one = train<Precision::f32>(splits[1], 1), three = train<Precision::f32>(splits[1], 3);
  CHECK(one.masters == three.masters);
  CHECK(one.result.loss == three.result.loss);
  CHECK(one.result.grad_norm == three.result.grad_norm);
}

TEST_CASE("losses are means over the step's tokens, and over those of each data set", "[train]") {
  Bench<All<Precision::f64>> bench(build<Model<All<Precision::f64>>>());
  bench.step({{4, 2}});  // nothing of an earlier step counts
  double sum = 0, group_sum[2] = {0, 0};
  Index tokens = 0, correct = 0, group_tokens[2] = {0, 0};
  for (int i = 0; i < 4; ++i) {
    auto w = work_of(bench.model, {i});
    const LossSums sums = bench.engine->evaluate(w.view(), w.batch);
    const Index n = supervised(conversations()[i]);
    sum += sums.total(), tokens += n, correct += sums.correct;
    CHECK(sums.by_group[1 - groups[i]] == 0);
    group_sum[groups[i]] += sums.by_group[groups[i]], group_tokens[groups[i]] += n;
  }
  const StepResult& r = bench.step({{0, 1}, {2, 3}});
  CHECK(r.loss == Approx(sum / double(tokens)).epsilon(1e-12));
  CHECK(r.correct == correct);
  CHECK(r.supervised == tokens);
  for (int g = 0; g < 2; ++g) {
    CHECK(r.group_supervised[g] == group_tokens[g]);
    CHECK(r.group_loss[g] == Approx(group_sum[g] / double(group_tokens[g])).epsilon(1e-12));
  }
}

TEST_CASE("what nobody has asked of an engine, and a step that was none", "[train]") {
  const EngineSettings settings;
  CHECK((settings.groups == 1 && !settings.count_correct));
  const StepResult r;
  CHECK((r.loss == 0 && r.grad_norm == 0 && r.finite && r.supervised == 0 && r.correct == 0));
  CHECK((r.group_loss.empty() && r.group_supervised.empty()));
}
