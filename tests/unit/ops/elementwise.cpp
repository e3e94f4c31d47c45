// Activations, normalisation and their gradients in registers, against the formulas in double.
#include <catch2/catch.hpp>
#include <unit/device.hpp>
#include <vlt/ops/activation.hpp>
#include <vlt/ops/double_precision.hpp>
#include <vlt/ops/norm.hpp>
#include "../cpu/isa.hpp"
#include "../cpu/random_matrix.hpp"
using namespace vlt;

namespace {
constexpr Index sizes[][2] = {{1, 1}, {3, 15}, {2, 16}, {5, 31}, {4, 33}, {3, 100}, {33, 48}};

template <Device D, class T> void activations(Index rows, Index cols) {
  Threads threads(2);
  Twin<T, D> gate(rows, cols, 3), up(rows, cols), y(rows, cols), dy(rows, cols), dgate(rows, cols), dup(rows, cols);
  ops::wide::swiglu<D>(threads, gate.m, up.m, y.m);
  ops::reference::swiglu(gate.d, up.d, y.d);
  CHECK(y.off(2e-6, unit<T>) < 1);
  ops::wide::swiglu_backward<D>(threads, dy.m, gate.m, up.m, dgate.m, dup.m);
  ops::reference::swiglu_backward(dy.d, gate.d, up.d, dgate.d, dup.d);
  CHECK(dgate.off(4e-6, unit<T>) < 1);
  CHECK(dup.off(4e-6, unit<T>) < 1);
  for (auto f : {Activation::none, Activation::gelu, Activation::gelu_tanh, Activation::quick_gelu}) {
    CAPTURE(int(f));
    ops::wide::activation<D>(threads, f, gate.m, y.m);
    ops::reference::activation(f, gate.d, y.d);
    CHECK(y.off(2e-6, unit<T>) < 1);
    for (double beta : {0.0, 1.0}) {
      Twin<T, D> dx(rows, cols);
      ops::wide::activation_backward<D>(threads, f, dy.m, gate.m, dx.m, beta);
      ops::reference::activation_backward(f, dy.d, gate.d, dx.d, beta);
      CHECK(dx.off(6e-6, unit<T>) < 1);
    }
  }
}

// X: the residual stream, T: operands
template <Device D, class X, class T> void norms(Index rows, Index cols) {
  Threads threads(2);
  Twin<X, D> x(rows, cols, 2);
  Twin<T, D> w(1, cols), b(1, cols), y(rows, cols), dy(rows, cols);
  Twin<float, D> mean(rows, 1), rstd(rows, 1), dw(1, cols);
  for (Index r = 0; r < rows; ++r)  // a mean that hides the deviation
    for (Index c = 0; c < cols; ++c) x.m(r, c) = X(float(x.m(r, c)) + 20), x.d(r, c) = double(x.m(r, c));
  ops::wide::rms_norm<D>(threads, x.m, w.m, y.m, rstd.m, 1e-5);
  ops::DoublePrecision<double>::rms_norm(x.d, w.d, y.d, rstd.d, 1e-5);
  CHECK(rstd.off(0, 1e-6) < 1);
  CHECK(y.off(1e-6, unit<T>) < 1);
  ops::wide::rms_norm_dw<D>(threads, dy.m, x.m, rstd.m, dw.m);
  ops::reference::rms_norm_dw(dy.d, x.d, rstd.d, dw.d);
  CHECK(dw.off(1e-4, 1e-5) < 1);
  for (double beta : {0.0, 1.0}) {
    Twin<X, D> dx(rows, cols);
    ops::wide::rms_norm_dx<D>(threads, dy.m, x.m, w.m, rstd.m, dx.m, beta);
    ops::DoublePrecision<double>::rms_norm_dx(dy.d, x.d, w.d, rstd.d, dx.d, beta);
    CHECK(dx.off(3e-6, unit<X>) < 1);
  }
  if (cols == 1) return;  // the deviation of one number is zero: nothing but eps
  ops::wide::layer_norm<D>(threads, x.m, w.m, b.m, y.m, mean.m, rstd.m, 1e-5);
  ops::DoublePrecision<double>::layer_norm(x.d, w.d, b.d, y.d, mean.d, rstd.d, 1e-5);
  CHECK(mean.off(0, 1e-6) < 1);
  CHECK(rstd.off(0, 1e-5) < 1);
  CHECK(y.off(2e-5, 2 * unit<T>) < 1);
  ops::wide::layer_norm_dw<D>(threads, dy.m, x.m, mean.m, rstd.m, dw.m);
  ops::reference::layer_norm_dw(dy.d, x.d, mean.d, rstd.d, dw.d);
  CHECK(dw.off(1e-3, 1e-4) < 1);
  for (double beta : {0.0, 1.0}) {
    Twin<X, D> dx(rows, cols);
    ops::wide::layer_norm_dx<D>(threads, dy.m, x.m, w.m, mean.m, rstd.m, dx.m, beta);
    ops::DoublePrecision<double>::layer_norm_dx(dy.d, x.d, w.d, mean.d, rstd.d, dx.d, beta);
    CHECK(dx.off(2e-5, 2 * unit<X>) < 1);
  }
}
}  // namespace

TEST_CASE("activations in registers are their formulas") {
  for_each_isa([]<Device D>() {
    for (const auto& [rows, cols] : sizes) {
      CAPTURE(name_of(D), rows, cols);
      activations<D, float>(rows, cols);
      activations<D, bf16>(rows, cols);
      activations<D, f16>(rows, cols);
    }
  });
}

TEST_CASE("norms in registers are their formulas") {
  for_each_isa([]<Device D>() {
    for (const auto& [rows, cols] : sizes) {
      CAPTURE(name_of(D), rows, cols);
      norms<D, float, float>(rows, cols);
      norms<D, float, bf16>(rows, cols);
      norms<D, float, f16>(rows, cols);
      norms<D, bf16, bf16>(rows, cols);
    }
  });
}

TEST_CASE("one long row gives the same for any number of threads") {
  constexpr Index n = 50001;
  for (int threads : {1, 3}) {
    Threads team(threads);
    const Buffer<std::byte, under_test> none;
    Arena arena(none);
    Scope s(arena, team);
    const Buffer<float, under_test> x(n), y(n);
    const Buffer<bf16, under_test> z(n);
    const auto row = [](const auto& buffer) {
      Matrix<std::remove_reference_t<decltype(*buffer.data())>, under_test> m;
      m.data = buffer.address(), m.rows = 1, m.cols = m.stride = n;
      return m;
    };
    std::vector<float> values(n);
    for (Index c = 0; c < n; ++c) values[c] = std::sin(float(c));
    set_values(row(x), values);
    ops::fill(s, row(y), 3);
    ops::add(s, row(x), row(y));
    ops::convert(s, row(x), row(z));
    const auto sums = values_of(row(y));
    const auto rounded = values_of(row(z));
    for (Index c = 0; c < n; ++c) {
      REQUIRE(sums[c] == 3 + values[c]);
      REQUIRE(float(rounded[c]) == float(bf16(values[c])));
    }
  }
}
