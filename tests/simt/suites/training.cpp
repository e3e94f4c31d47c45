// What ends a step on the device: losses, norms, updates; against the formulas in double.
#include <catch2/catch.hpp>
#include <limits>
#include <simt/device_twin.hpp>
#include <vlt/ops/adamw.hpp>
#include <vlt/ops/cross_entropy.hpp>
#include <vlt/ops/kernel/adamw.hpp>
#include <vlt/ops/kernel/cross_entropy.hpp>
#include <vlt/ops/kernel/sum_of_squares.hpp>
using namespace vlt;
using simt::test::DeviceTwin;
using simt::test::DeviceVector;
using simt::test::launch;
using simt::test::under_all_schedules;

namespace {
enum class Gradient { apart, in_place, none };

// A: the type of logits; T: of their gradients.
template <class A, class T> void cross_entropy(Index vocabulary, Gradient gradient) {
  CAPTURE(vocabulary, int(gradient), sizeof(A), sizeof(T));
  constexpr Index rows = 4;
  DeviceTwin<A> logits(rows, vocabulary, 5);
  DeviceTwin<T> dlogits(rows, vocabulary);
  std::vector<Index> targets;
  for (Index r = 0; r < rows; ++r) targets.push_back((r * 37 + 5) % vocabulary);
  if (vocabulary > 3) {
    // Ties for the largest logit: the target of row 1 stands before its twin and is a hit, that of row 2 behind it.
    targets[1] = 0, targets[2] = vocabulary - 1;
    for (const Index r : {1, 2}) logits.host.m(r, 0) = logits.host.m(r, vocabulary - 1) = A(40.0f);
    logits.upload();
  }
  const DeviceVector<Index> target(targets);
  const DeviceVector<double> losses(rows);
  const DeviceVector<std::uint8_t> hits(rows);
  simt::Strided<T> to = dlogits.rows();
  if constexpr (std::is_same_v<A, T>)
    if (gradient == Gradient::in_place) to = logits.rows();
  if (gradient == Gradient::none) to = {};
  launch(ops::kernel::SoftmaxCrossEntropy<A, T>{logits.read(), target.data(), to, losses.data(),
                                                gradient == Gradient::apart ? nullptr : hits.data(), rows,
                                                int(vocabulary), 0.25f});
  for (Index r = 0; r < rows; ++r) {
    double* const wanted = gradient == Gradient::none       ? nullptr
                           : gradient == Gradient::in_place ? &logits.d(r, 0)
                                                            : &dlogits.d(r, 0);
    const auto want =
        ops::reference::cross_entropy_row(&logits.d(r, 0), vocabulary, targets[std::size_t(r)], 0.25, wanted);
    CHECK(losses.values()[std::size_t(r)] == Approx(want.loss).epsilon(2e-6).margin(4e-6));
    if (gradient != Gradient::apart) CHECK(bool(hits.values()[std::size_t(r)]) == want.correct);
  }
  if (gradient == Gradient::apart) CHECK(dlogits.off(1e-6, 2 * unit<T>) < 1);
  CHECK(logits.off(1e-6, 2 * unit<A>) < 1);  // overwritten, or as they were
}
}  // namespace

TEMPLATE_TEST_CASE("cross entropy on the device is cross entropy", "", float, bf16, f16) {
  under_all_schedules([] {
    for (const Index n : {1, 2, 33, 2600}) {  // the last: several vectors a thread
      for (const auto g : {Gradient::apart, Gradient::in_place, Gradient::none})
        cross_entropy<TestType, TestType>(n, g);
      cross_entropy<float, TestType>(n, Gradient::apart);
    }
  });
}

TEMPLATE_TEST_CASE("AdamW on the device is AdamW", "", float, bf16, f16) {
  under_all_schedules([] {
    for (const Index n : {1, 15, 1024, 3001}) {
      CAPTURE(n);
      DeviceTwin<float> g(1, n), w(1, n), m(1, n, 0.1), v(1, n, 0.1);
      DeviceTwin<TestType> compute(1, n);
      for (Index i = 0; i < n; ++i) v.host.m(0, i) *= v.host.m(0, i);
      v.upload();
      const DeviceVector<float> clip(std::vector<float>{0.7f});
      ops::AdamWStep o{.rate = 1e-2, .decay = 0.1, .clip = double(0.7f)};
      for (o.number = 1; o.number <= 2; ++o.number) {
        launch(ops::kernel::AdamW<TestType>{
            g.data(), w.data(), m.data(), v.data(), compute.data(), clip.data(), n, float(o.beta1), float(o.beta2),
            float(1 - o.beta1), float(1 - o.beta2), float(1 / (1 - std::pow(o.beta1, o.number))),
            float(1 / (1 - std::pow(o.beta2, o.number))), float(o.epsilon), float(o.rate), float(o.rate * o.decay)});
        ops::reference::adamw(o, &g.d(0, 0), &w.d(0, 0), &m.d(0, 0), &v.d(0, 0), &compute.d(0, 0), n);
      }
      CHECK(w.off(1e-6, 1e-6) < 1);
      CHECK(m.off(1e-7, 1e-6) < 1);
      CHECK(v.off(1e-7, 1e-6) < 1);
      CHECK(compute.off(1e-6, unit<TestType>) < 1);
    }
  });
}

TEST_CASE("AdamW without a compute copy or a clip leaves both alone") {
  DeviceTwin<float> g(1, 5), w(1, 5), m(1, 5), v(1, 5, 0);
  ops::AdamWStep o{.rate = 1e-2};
  launch(ops::kernel::AdamW<bf16>{g.data(), w.data(), m.data(), v.data(), nullptr, nullptr, 5, 0.9f, 0.95f, 0.1f, 0.05f,
                                  10, 20, 1e-8f, 0.01f, 0});
  ops::reference::adamw<double>(o, &g.d(0, 0), &w.d(0, 0), &m.d(0, 0), &v.d(0, 0), nullptr, 5);
  CHECK(w.off(1e-6, 1e-6) < 1);
}

TEMPLATE_TEST_CASE("a norm on the device is exact to double and in any order the same", "", float, bf16, f16) {
  using Squares = ops::kernel::SumOfSquares<TestType>;
  for (const Index n : {Index(1), Index(33), Index(40000)}) {
    CAPTURE(n);
    const DeviceTwin<TestType> x(1, n);
    double want = 2;
    for (Index i = 0; i < n; ++i) want += x.d(0, i) * x.d(0, i);
    std::vector<double> first;
    under_all_schedules([&] {
      const DeviceVector<double> total(std::vector<double>{2}), sums(Squares::chunks(n));
      launch(Squares{x.data(), sums.data(), n});
      launch(ops::kernel::AddSums{sums.data(), total.data(), Squares::chunks(n)});
      if (first.empty()) first = total.values();
      CHECK(total.values() == first);
    });
    CHECK(first[0] == Approx(want).epsilon(1e-13));
  }
}

TEMPLATE_TEST_CASE("what is not finite is counted", "", float, bf16, f16) {
  constexpr Index n = 2100;
  DeviceTwin<TestType> x(1, n, 100);
  const auto found = [&] {
    const DeviceVector<int> count(std::vector<int>{1});
    launch(ops::kernel::CountNonFinite<TestType>{x.data(), count.data(), n});
    return count.values()[0] - 1;
  };
  CHECK(found() == 0);
  x.host.m(0, 0) = TestType(std::numeric_limits<float>::infinity());
  x.host.m(0, 1500) = TestType(std::numeric_limits<float>::quiet_NaN());
  x.host.m(0, n - 1) = TestType(-std::numeric_limits<float>::infinity());
  x.upload();
  under_all_schedules([&] { CHECK(found() == 3); });
}
