// Rotary positions in registers against sines and cosines in double.
#include <catch2/catch.hpp>
#include <unit/device.hpp>
#include <vlt/ops/rope.hpp>
#include "../cpu/isa.hpp"
#include "../cpu/random_matrix.hpp"
using namespace vlt;

namespace {
template <Device D, class T> void turned(const Segments& b, const Rope& r, Index heads) {
  Threads threads(2);
  const Index half = Index(r.frequency.size());
  std::vector<double> frequency(half);
  std::vector<float> rows(2 * 2 * half);
  for (auto turn : {ops::Turn::forward, ops::Turn::backward}) {
    Twin<T, D> x(b.rows(), heads * 2 * half);
    const auto row_memory = borrow_host<Matrix<float, D>>(rows.data(), 2, 2 * half);
    ops::wide::rope<D>(threads, x.m, b, r, turn, frequency.data(), row_memory);
    ops::reference::rope(x.d, b, r, turn);
    CHECK(x.off(2e-6, unit<T>) < 1);
  }
}
}  // namespace

TEST_CASE("rotations in registers are rotations") {
  Segments b;
  b.append(7), b.append(40, TokenKind::text), b.append(std::vector<TokenKind>(5, TokenKind::text), 100000);
  Rope dynamic = Rope::plain(10, 500);
  dynamic.dynamic_factor = 2, dynamic.trained_length = 6;
  for_each_isa([&]<Device D>() {
    CAPTURE(name_of(D));
    turned<D, float>(b, Rope::plain(64, 10000), 3);
    turned<D, bf16>(b, Rope::plain(64, 10000), 3);
    turned<D, f16>(b, Rope::plain(64, 10000), 3);
    turned<D, float>(b, Rope::plain(6, 100), 2);
    turned<D, bf16>(b, dynamic, 2);
    turned<D, float>(b, dynamic, 40);  // several threads
  });
}

// HF's dynamic scaling: theta' = theta (f n / m - (f - 1))^(d / (d - 2)) for sequences of n > m tokens.
TEST_CASE("dynamic rotation follows the length of each sequence") {
  Rope r = Rope::plain(6, 100);
  r.dynamic_factor = 2, r.trained_length = 4;
  const double theta = 100 * std::pow(2.0 * 7 / 4 - 1, 6.0 / 4);
  for (Index i = 0; i < 3; ++i) {
    CHECK(r.at(i, 7) == Approx(std::pow(theta, -2.0 * double(i) / 6)).epsilon(1e-14));
    CHECK(r.at(i, 4) == r.frequency[i]);
  }
  Segments b;
  b.append(2), b.append(7);
  Twin<double> x(9, 6, 1, 0), home(9, 6, 1, 0);
  ops::reference::rope(x.d, b, r, ops::Turn::forward);
  for (auto [row, length] : {std::pair<Index, Index>{1, 2}, {3, 7}}) {
    const double angle = r.at(1, length);
    CHECK(x.d(row, 1) == Approx(x.m(row, 1) * std::cos(angle) - x.m(row, 4) * std::sin(angle)).epsilon(1e-14));
  }
}
