#include <catch2/catch.hpp>
#include <vlt/ops/cross_entropy.hpp>
#include "../cpu/isa.hpp"
#include "../cpu/random_matrix.hpp"
using namespace vlt;

namespace {
template <Device D, class T> void check_rows(Index n, bool in_place) {
  Twin<float, D> logits(4, n, 5);
  Twin<T, D> gradient(4, n);
  for (Index r = 0; r < 4; ++r) {
    const Index target = (r * 37 + 5) % n;
    CAPTURE(r, target);
    double* const to = in_place ? &logits.d(r, 0) : &gradient.d(r, 0);
    const auto want = ops::reference::cross_entropy_row(&logits.d(r, 0), n, target, 0.25, to);
    ops::RowLoss got;
    if constexpr (std::is_same_v<T, float>) {
      T* const wide = in_place ? &logits.m(r, 0) : &gradient.m(r, 0);
      got = ops::cross_entropy_row<D>(&logits.m(r, 0), n, target, 0.25f, wide);
    } else {
      got = ops::cross_entropy_row<D>(&logits.m(r, 0), n, target, 0.25f, &gradient.m(r, 0));
    }
    CHECK(got.loss == Approx(want.loss).epsilon(2e-6).margin(2e-6));
    CHECK(got.correct == want.correct);
  }
  if (in_place) CHECK(logits.off(1e-6, 4e-6) < 1);
  else CHECK(gradient.off(1e-6, 2 * unit<T>) < 1);
}
}  // namespace

TEST_CASE("cross entropy in registers is cross entropy") {
  for_each_isa([]<Device D>() {
    for (Index n : {1, 2, 15, 16, 33, 1000}) {
      CAPTURE(name_of(D), n);
      check_rows<D, float>(n, false);
      check_rows<D, float>(n, true);
      check_rows<D, bf16>(n, false);
      check_rows<D, f16>(n, false);
    }
  });
}

TEST_CASE("only the first of equal logits counts as predicted; evaluation leaves logits alone") {
  std::vector<float> row{1, 7, 3, 7, -100, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 1, 2};
  const auto before = row;
  float* const none = nullptr;
  for_each_isa([&]<Device D>() {
    CHECK(ops::cross_entropy_row<D>(row.data(), Index(row.size()), 1, 1, none).correct);
    CHECK_FALSE(ops::cross_entropy_row<D>(row.data(), Index(row.size()), 3, 1, none).correct);
    CHECK_FALSE(ops::cross_entropy_row<D>(row.data(), Index(row.size()), 16, 1, none).correct);
  });
  CHECK(row == before);
}

TEST_CASE("a logit that is not a number gives a loss that is none") {
  for_each_isa([]<Device D>() {
    for (std::size_t at : {std::size_t(3), std::size_t(35)}) {
      CAPTURE(name_of(D), at);
      std::vector<float> row(40, 1.0f);
      row[at] = NAN;
      float* const none = nullptr;
      CHECK_FALSE(std::isfinite(ops::cross_entropy_row<D>(row.data(), 40, 0, 1, none).loss));
    }
  });
}

TEST_CASE("losses are added to their groups in the order of the rows, and hits are counted") {
  Threads threads;
  Arena plan;
  Scope s(plan, threads);
  std::vector<double> memory{1e16, 1, 3, -1e16, 2};
  const auto losses = borrow_host<Matrix<double, Device::cpu>>(memory.data(), 5, 1);
  std::vector<std::uint8_t> correct{1, 0, 0, 1, 1};
  const auto hits = borrow_host<Matrix<std::uint8_t, Device::cpu>>(correct.data(), 5, 1);
  const Buffer<std::byte, Device::cpu> none;
  Arena arena(none);
  Scope run(arena, threads);
  const std::vector<Index> group{0, 0, 1, 0, 1};
  std::vector<double> sums{0, 10, 4};
  const auto to = borrow_host<Matrix<double, Device::cpu>>(sums.data(), 1, 3);
  ops::add_losses(s, losses, hits, group, 0.5, to);
  CHECK(sums == std::vector<double>{0, 10, 4});  // a plan adds nothing
  ops::add_losses(run, losses, hits, group, 0.5, to);
  CHECK(sums == std::vector<double>{0.5 * 1e16 + 0.5 - 0.5 * 1e16, 12.5, 7});
  ops::add_losses(run, losses, {}, {}, 1, to);  // no groups, nothing counted
  CHECK(sums[1] == 12.5);
  CHECK(sums[2] == 7);
  CHECK(sums[0] != 0);
}

TEMPLATE_TEST_CASE("rows of logits become gradients and losses, and what lies behind them stays", "", float, double) {
  for (const int team : {1, 2}) {
    Threads threads(team);
    const Buffer<std::byte, Device::cpu> none;
    Arena arena(none);
    Scope s(arena, threads);
    std::vector<TestType> memory(4 * 5);
    for (std::size_t i = 0; i < memory.size(); ++i) memory[i] = TestType(i % 7);
    const std::vector<TestType> before = memory;
    std::vector<double> losses(4, -1);
    std::vector<std::uint8_t> correct(4, 9);
    std::vector<TestType> gradient(4 * 5, 9);
    const auto rows = [](auto& v, Index cols) {
      return borrow_host<Matrix<typename std::remove_reference_t<decltype(v)>::value_type, Device::cpu>>(v.data(), 3,
                                                                                                         cols);
    };
    const std::vector<Index> target{1, 4, 0};
    ops::softmax_cross_entropy(s, rows(memory, 5), target, 0.5, rows(gradient, 5), rows(losses, 1), rows(correct, 1));
    for (Index r = 0; r < 3; ++r) {
      std::vector<double> logits(before.begin() + r * 5, before.begin() + (r + 1) * 5), wanted(5);
      const auto one = ops::reference::cross_entropy_row(logits.data(), 5, target[r], 0.5, wanted.data());
      CHECK(losses[std::size_t(r)] == Approx(one.loss));
      CHECK(bool(correct[std::size_t(r)]) == one.correct);
      for (Index c = 0; c < 5; ++c)
        CHECK(gradient[std::size_t(r * 5 + c)] == Approx(wanted[std::size_t(c)]).margin(1e-6));
    }
    CHECK(std::equal(before.begin() + 15, before.end(), memory.begin() + 15));
    CHECK((losses[3] == -1 && correct[3] == 9 && gradient[15] == 9));
  }
  CHECK((ops::RowLoss().loss == 0 && !ops::RowLoss().correct));
}
