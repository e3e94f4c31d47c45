// Products by Eigen's kernel against plain loops in long double, and what they promise: the same bits for any number of
// threads and of rows, in the memory that was asked for.
#include <catch2/catch.hpp>
#include <vlt/cpu/eigen_gemm.hpp>
#include <vlt/cpu/panels.hpp>
#include "random_matrix.hpp"
#include "work_memory.hpp"
using namespace vlt;

namespace {
// A product of which rows [first, first + rows) are computed, with operands stored either way.
template <Device D, class T> struct Operands {
  Operands(Index m_, Index n_, Index k_, bool a_transposed, bool b_transposed)
      : m(m_),
        n(n_),
        k(k_),
        a(a_transposed ? k : m, a_transposed ? m : k),
        b(b_transposed ? n : k, b_transposed ? k : n),
        left{a.m.data, a_transposed ? 1 : a.m.stride, a_transposed ? a.m.stride : 1},
        right{b.m.data, b_transposed ? b.m.stride : 1, b_transposed ? 1 : b.m.stride} {}

  using W = accum_t<T>;
  // All sums of these rows, row by row.
  std::vector<W> product(int threads, Index first, Index rows, const cpu::Packed<T>* panels = nullptr) const {
    const cpu::EigenProduct<D, T> p(rows, n, k, threads);
    Threads team(threads);
    WorkMemory work(p.bytes());
    std::vector<W> sums(std::size_t(rows * n), W(NAN));
    const auto keep = [&](Index row, Index col, const W* from, Index count) {
      std::copy_n(from, count, sums.begin() + row * n + col);
    };
    p.run(left.at(first, 0), panels ? cpu::Source<T>{} : right, panels, team, work.data(), keep);
    CHECK(work.guard_intact());
    return sums;
  }
  // The largest error, in units of the last place of the sum of sizes.
  double error(const std::vector<W>& sums) const {
    double worst = 0;
    for (Index i = 0; i < m; ++i)
      for (Index j = 0; j < n; ++j) {
        long double sum = 0, size = 1e-30L;
        for (Index p = 0; p < k; ++p) {
          const long double term = (long double)(*left.at(i, p).data) * (long double)(*right.at(j, p).data);
          sum += term, size += std::abs(term);
        }
        const double e = double(std::abs((long double)(sums[std::size_t(i * n + j)]) - sum) / size);
        if (!(e <= worst)) worst = std::isnan(e) ? 1e9 : e;
      }
    return worst / double(std::numeric_limits<W>::epsilon());
  }

  Index m, n, k;
  Twin<T> a, b;
  cpu::Source<T> left, right;
};

template <Device D, class T> void check_values() {
  int turn = 0;
  for (Index m : {1, 3, 4, 30})
    for (Index n : {1, 23, 100})
      for (Index k : {0, 1, 9, 256, 300}) {
        const int t = turn++;
        CAPTURE(m, n, k, t);
        const Operands<D, T> o(m, n, k, t & 1, t & 2);
        CHECK(o.error(o.product(1 + t % 3, 0, m)) < 8);
      }
}
template <Device D, class T> void check_bits() {
  for (const auto& shape : {Shape{70, 130}, Shape{130, 70}, Shape{600, 40}, Shape{30, 500}}) {
    CAPTURE(shape.rows, shape.cols);
    const Operands<D, T> o(shape.rows, shape.cols, 700, false, true);
    const auto one = o.product(1, 0, shape.rows);
    for (int threads : {2, 3, 8}) CHECK(o.product(threads, 0, shape.rows) == one);
    for (Index rows : {1, 2, 7, 17}) {
      const auto some = o.product(2, 11, rows);
      CHECK(std::equal(some.begin(), some.end(), one.begin() + 11 * shape.cols));
    }
  }
}
}  // namespace

TEMPLATE_TEST_CASE("products by Eigen are their definition", "", float, bf16, f16, double) {
  check_values<Device::portable, TestType>();
  check_values<Device::cpu, TestType>();
}

TEMPLATE_TEST_CASE("neither threads nor rows change a bit of a product by Eigen", "", float, bf16, f16, double) {
  check_bits<Device::portable, TestType>();
  check_bits<Device::cpu, TestType>();
}

TEMPLATE_TEST_CASE("a packed weight gives Eigen the same bits", "", float, bf16, f16) {
  constexpr Device D = Device::portable;
  for (const auto& shape : {Shape{1, 8}, Shape{5, 50}, Shape{40, 203}}) {
    CAPTURE(shape.rows, shape.cols);
    const Operands<D, TestType> o(shape.rows, shape.cols, 515, false, true);
    std::vector<TestType> panels(std::size_t(cpu::panel_bytes<TestType, D>(o.n, o.k)) / sizeof(TestType));
    const Matrix<const TestType, D> weight{o.b.m.data, o.n, o.k, o.b.m.stride};
    cpu::pack_forward<TestType, D>(weight, panels.data(), 0, o.n);
    const auto* units = reinterpret_cast<const cpu::Packed<TestType>*>(panels.data());
    CHECK(o.product(2, 0, o.m, units) == o.product(1, 0, o.m));
  }
}

TEST_CASE("a product by Eigen without rows or columns is nothing") {
  Threads team(2);
  const auto never = [](Index, Index, const double*, Index) { FAIL("there is nothing to finish"); };
  for (const auto& shape : {Shape{0, 5}, Shape{5, 0}}) {
    const cpu::EigenProduct<Device::cpu, double> p(shape.rows, shape.cols, 7, 2);
    CHECK(p.bytes() == 0);
    p.run({}, {}, nullptr, team, nullptr, never);
  }
}
