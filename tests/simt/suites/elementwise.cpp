// Activations, conversions and rotations on the device, against the formulas in double.
#include <catch2/catch.hpp>
#include <simt/device_twin.hpp>
#include <vlt/ops/activation.hpp>
#include <vlt/ops/kernel/activation.hpp>
#include <vlt/ops/kernel/rope.hpp>
#include <vlt/ops/rope.hpp>
using namespace vlt;
using simt::test::DeviceTwin;
using simt::test::DeviceVector;
using simt::test::launch;
using simt::test::under_all_schedules;

namespace {
struct Extent {
  Index rows, cols, gap;
};
constexpr Extent shapes[] = {{1, 1, 3}, {3, 31, 3}, {2, 64, 8}, {2, 1100, 1}, {33, 20, 4}};

template <class T> void swiglu(Extent s) {
  DeviceTwin<T> gate(s.rows, s.cols, 3, s.gap), up(s.rows, s.cols, 1, s.gap), y(s.rows, s.cols, 1, s.gap),
      dy(s.rows, s.cols, 1, s.gap), dgate(s.rows, s.cols, 1, s.gap), dup(s.rows, s.cols, 1, s.gap);
  launch(ops::kernel::Swiglu<T>{gate.read(), up.read(), y.rows(), s.rows, int(s.cols)});
  ops::reference::swiglu(gate.d, up.d, y.d);
  CHECK(y.off(2e-6, unit<T>) < 1);
  launch(
      ops::kernel::SwigluBackward<T>{dy.read(), gate.read(), up.read(), dgate.rows(), dup.rows(), s.rows, int(s.cols)});
  ops::reference::swiglu_backward(dy.d, gate.d, up.d, dgate.d, dup.d);
  CHECK(dgate.off(4e-6, unit<T>) < 1);
  CHECK(dup.off(4e-6, unit<T>) < 1);
}
template <class T> void activation(Extent s, Activation f) {
  CAPTURE(int(f));
  DeviceTwin<T> x(s.rows, s.cols, 3, s.gap), y(s.rows, s.cols, 1, s.gap), dy(s.rows, s.cols, 1, s.gap);
  launch(ops::kernel::Activate<T>{x.read(), y.rows(), s.rows, int(s.cols), f});
  ops::reference::activation(f, x.d, y.d);
  CHECK(y.off(2e-6, unit<T>) < 1);
  for (const float beta : {0.0f, 1.0f}) {
    DeviceTwin<T> dx(s.rows, s.cols, 1, s.gap);
    launch(ops::kernel::ActivateBackward<T>{dy.read(), x.read(), dx.rows(), s.rows, int(s.cols), f, beta});
    ops::reference::activation_backward(f, dy.d, x.d, dx.d, double(beta));
    CHECK(dx.off(4e-6, unit<T>) < 1);
  }
  launch(ops::kernel::ActivateBackward<T>{dy.read(), x.read(), dy.rows(), s.rows, int(s.cols), f, 0});  // in place
  ops::reference::activation_backward(f, dy.d, x.d, dy.d, 0.0);
  CHECK(dy.off(4e-6, unit<T>) < 1);
}

template <class T> void rotated(const Segments& batch, const Rope& rope, int heads) {
  const int half = int(rope.frequency.size());
  CAPTURE(half, heads, sizeof(T));
  const DeviceVector<Place> places(batch.place);
  for (const auto turn : {ops::Turn::forward, ops::Turn::backward}) {
    DeviceTwin<T> x(batch.rows(), heads * 2 * half);
    for (Index q = 0; q < batch.sequences(); ++q) {
      std::vector<double> frequency;
      for (Index i = 0; i < half; ++i)
        frequency.push_back(rope.at(i, batch.end(q) - batch.begin(q)) / (2 * std::numbers::pi));
      const DeviceVector<double> frequencies(frequency);
      launch(ops::kernel::RotateRows<T, Place>{x.rows(), places.data(), frequencies.data(), batch.begin(q),
                                               batch.end(q) - batch.begin(q), heads, half, float(int(turn))});
    }
    ops::reference::rope(x.d, batch, rope, turn);
    CHECK(x.off(2e-6, unit<T>) < 1);
  }
}
}  // namespace

TEMPLATE_TEST_CASE("activations on the device are activations", "", float, bf16, f16) {
  under_all_schedules([] {
    for (const Extent s : shapes) {
      CAPTURE(s.rows, s.cols, s.gap);
      swiglu<TestType>(s);
      for (const auto f : {Activation::none, Activation::gelu, Activation::gelu_tanh, Activation::quick_gelu})
        activation<TestType>(s, f);
    }
  });
}

TEMPLATE_TEST_CASE("rotations on the device are rotations", "", float, bf16, f16) {
  Segments batch;
  batch.append(7), batch.append(std::vector<TokenKind>(3, TokenKind::text), 100000);
  Rope dynamic = Rope::plain(10, 500);
  dynamic.dynamic_factor = 2, dynamic.trained_length = 6;
  under_all_schedules([&] {
    rotated<TestType>(batch, Rope::plain(64, 10000), 3);
    rotated<TestType>(batch, Rope::plain(6, 100), 2);
    rotated<TestType>(batch, dynamic, 2);
  });
}

TEMPLATE_TEST_CASE("numbers are converted, scaled and added", "", bf16, f16) {
  for (const Extent s : shapes) {
    CAPTURE(s.rows, s.cols);
    DeviceTwin<float> wide(s.rows, s.cols, 1, s.gap), back(s.rows, s.cols, 1, s.gap);
    DeviceTwin<TestType> narrow(s.rows, s.cols, 1, s.gap), more(s.rows, s.cols, 1, s.gap);
    launch(ops::kernel::Convert<float, TestType>{wide.read(), narrow.rows(), s.rows, int(s.cols), 0.5f});
    narrow.off(1, 1);
    for (Index r = 0; r < s.rows; ++r)
      for (Index c = 0; c < s.cols; ++c) REQUIRE(narrow.host.m(r, c).bits == TestType(0.5f * wide.host.m(r, c)).bits);
    launch(ops::kernel::Convert<TestType, float>{narrow.read(), back.rows(), s.rows, int(s.cols)});
    for (Index r = 0; r < s.rows; ++r)
      for (Index c = 0; c < s.cols; ++c) back.d(r, c) = double(narrow.host.m(r, c));
    CHECK(back.off(1e-30, 1e-30) == 0);
    launch(ops::kernel::Add<TestType>{narrow.read(), more.rows(), s.rows, int(s.cols)});
    launch(ops::kernel::Add<float>{wide.read(), back.rows(), s.rows, int(s.cols)});
    for (Index r = 0; r < s.rows; ++r)
      for (Index c = 0; c < s.cols; ++c)
        more.d(r, c) += double(narrow.host.m(r, c)), back.d(r, c) += double(wide.host.m(r, c));
    CHECK(more.off(1e-6, unit<TestType>) < 1);
    CHECK(back.off(1e-6, 1e-6) < 1);
  }
}
