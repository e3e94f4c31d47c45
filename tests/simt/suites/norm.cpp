// Norms and their gradients on the device, against the formulas in double.
#include <catch2/catch.hpp>
#include <simt/device_twin.hpp>
#include <vlt/ops/double_precision.hpp>
#include <vlt/ops/kernel/column_sums.hpp>
#include <vlt/ops/kernel/layer_norm.hpp>
#include <vlt/ops/kernel/rms_norm.hpp>
using namespace vlt;
using simt::test::DeviceTwin;
using simt::test::DeviceVector;
using simt::test::launch;
using simt::test::under_all_schedules;
using Double = ops::DoublePrecision<double>;

namespace {
constexpr Index sizes[][2] = {{1, 1}, {3, 31}, {2, 128}, {4, 600}, {70, 33}};
constexpr double epsilon = 1e-5;

// T: what is stored between blocks; W: the weights' type.
template <class T, class W> void rms_norm(Index rows, Index cols, Index gap) {
  CAPTURE(rows, cols, gap, sizeof(T), sizeof(W));
  DeviceTwin<float> x(rows, cols, 2, gap), rstd(rows, 1, 1, 0);
  DeviceTwin<T> y(rows, cols, 1, gap), dy(rows, cols, 1, gap);
  DeviceTwin<W> w(1, cols);
  launch(ops::kernel::RmsNorm<float, W, T>{x.read(), w.data(), y.rows(), rstd.data(), rows, int(cols), float(epsilon)});
  Double::rms_norm(x.d, w.d, y.d, rstd.d, epsilon);
  CHECK(y.off(2e-6, unit<T>) < 1);
  CHECK(rstd.off(1e-6, 2e-6) < 1);
  for (const float beta : {0.0f, 1.0f}) {
    DeviceTwin<float> dx(rows, cols, 1, gap);
    launch(ops::kernel::RmsNormDx<T, float, W>{dy.read(), x.read(), w.data(), rstd.data(), dx.rows(), rows, int(cols),
                                               beta});
    Double::rms_norm_dx(dy.d, x.d, w.d, rstd.d, dx.d, beta);
    CHECK(dx.off(8e-6, 4e-6) < 1);
  }
}
template <class T, class W> void layer_norm(Index rows, Index cols, Index gap) {
  CAPTURE(rows, cols, gap, sizeof(T), sizeof(W));
  DeviceTwin<float> x(rows, cols, 2, gap), mean(rows, 1, 1, 0), rstd(rows, 1, 1, 0);
  DeviceTwin<T> y(rows, cols, 1, gap), dy(rows, cols, 1, gap);
  DeviceTwin<W> w(1, cols), b(1, cols);
  launch(ops::kernel::LayerNorm<float, W, T>{x.read(), w.data(), b.data(), y.rows(), mean.data(), rstd.data(), rows,
                                             int(cols), float(epsilon)});
  Double::layer_norm(x.d, w.d, b.d, y.d, mean.d, rstd.d, epsilon);
  CHECK(y.off(4e-6, unit<T>) < 1);
  CHECK(mean.off(1e-6, 2e-6) < 1);
  if (cols == 1) return;  // the variance is zero, and rounding errors all there is
  CHECK(rstd.off(1e-6, 4e-6) < 1);
  for (const float beta : {0.0f, 1.0f}) {
    DeviceTwin<float> dx(rows, cols, 1, gap);
    launch(ops::kernel::LayerNormDx<T, float, W>{dy.read(), x.read(), w.data(), mean.data(), rstd.data(), dx.rows(),
                                                 rows, int(cols), beta});
    Double::layer_norm_dx(dy.d, x.d, w.d, mean.d, rstd.d, dx.d, beta);
    CHECK(dx.off(8e-6, 8e-6) < 1);
  }
}

// The gradients of weights and biases: sums over rows, in two launches.
template <class T> void column_sums(Index rows, Index cols) {
  CAPTURE(rows, cols, sizeof(T));
  using Partials = ops::kernel::ColumnPartials<T, float>;
  const DeviceTwin<float> x(rows, cols), mean(rows, 1, 1, 0), rstd(rows, 1, 1, 0);
  const DeviceTwin<T> dy(rows, cols);
  const Index groups = Partials::groups(rows);
  for (const int kind : {0, 1, 2}) {  // of a bias, an RMS norm, a layer norm
    CAPTURE(kind);
    DeviceTwin<float> sums(1, cols);
    const DeviceVector<float> partial(groups * cols);
    launch(Partials{dy.read(), kind == 0 ? simt::Strided<const float>{} : x.read(), kind == 2 ? mean.data() : nullptr,
                    kind == 0 ? nullptr : rstd.data(), partial.data(), rows, int(cols)});
    launch(ops::kernel::ColumnSums{partial.data(), sums.data(), groups, int(cols)});
    for (Index r = 0; r < rows; ++r)
      for (Index c = 0; c < cols; ++c) {
        const double xhat = (x.d(r, c) - (kind == 2 ? mean.d(r, 0) : 0)) * rstd.d(r, 0);
        sums.d(0, c) += dy.d(r, c) * (kind == 0 ? 1 : xhat);
      }
    CHECK(sums.off(2e-5, 4e-6) < 1);
  }
}
}  // namespace

TEMPLATE_TEST_CASE("an RMS norm on the device is an RMS norm", "", float, bf16, f16) {
  under_all_schedules([] {
    for (const auto& s : sizes) rms_norm<TestType, TestType>(s[0], s[1], 3);
    rms_norm<TestType, TestType>(3, 64, 8);  // rows that stand well
    rms_norm<TestType, float>(2, 100, 4);
  });
}

TEMPLATE_TEST_CASE("a layer norm on the device is a layer norm", "", float, bf16, f16) {
  under_all_schedules([] {
    for (const auto& s : sizes) layer_norm<TestType, TestType>(s[0], s[1], 3);
    layer_norm<TestType, TestType>(3, 64, 8);
    layer_norm<TestType, float>(2, 100, 4);
  });
}

TEMPLATE_TEST_CASE("gradients of weights and biases are sums over rows", "", float, bf16, f16) {
  for (const auto& s : sizes) column_sums<TestType>(s[0], s[1]);
  column_sums<TestType>(200, 140);
}

TEST_CASE("sums over rows have the same bits in every order of blocks") {
  using Partials = ops::kernel::ColumnPartials<bf16, float>;
  const DeviceTwin<float> x(200, 140), rstd(200, 1, 1, 0);
  const DeviceTwin<bf16> dy(200, 140);
  std::vector<float> first;
  under_all_schedules([&] {
    const DeviceVector<float> sums(std::vector<float>(140, 0.5f)), partial(4 * 140);
    launch(Partials{dy.read(), x.read(), nullptr, rstd.data(), partial.data(), 200, 140});
    launch(ops::kernel::ColumnSums{partial.data(), sums.data(), 4, 140});
    if (first.empty()) first = sums.values();
    CHECK(sums.values() == first);
  });
}
