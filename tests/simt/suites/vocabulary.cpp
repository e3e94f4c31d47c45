// What kernels are written in, piece by piece.
#include <catch2/catch.hpp>
#include <numeric>
#include <simt/launch.hpp>
#include <simt/vocabulary_kernels.hpp>
using namespace vlt;
using namespace vlt::simt;
using simt::test::DeviceVector;
using simt::test::launch;
using simt::test::under_all_schedules;

namespace {
std::vector<float> counting(Index n) {
  std::vector<float> v(static_cast<std::size_t>(n));
  std::iota(v.begin(), v.end(), 1.0f);
  return v;
}
}  // namespace

TEST_CASE("threads know who they are") {
  const DeviceVector<unsigned> out(12 * 96 * 7);
  under_all_schedules([&] { launch(simt::test::WhoAmI{out.data()}); });
  const auto all = out.values();
  for (unsigned z = 0; z < 2; ++z)
    for (unsigned y = 0; y < 3; ++y)
      for (unsigned x = 0; x < 2; ++x)
        for (unsigned t = 0; t < 96; ++t) {
          const unsigned* const mine = &all[(((z * 3 + y) * 2 + x) * 96 + t) * 7];
          const unsigned want[7] = {x, y, z, 2, t, t % 32, t / 32};
          REQUIRE(std::equal(want, want + 7, mine));
        }
}

TEST_CASE("shared memory is shared and barriers order it") {
  const DeviceVector<float> in(counting(512)), out(512), swapped(64);
  under_all_schedules([&] {
    launch(simt::test::ReverseBlock{in.data(), out.data()});
    launch(simt::test::SwapInWarp{in.data(), swapped.data()});
    const auto reversed = out.values(), pairs = swapped.values();
    for (std::size_t i = 0; i < 512; ++i) REQUIRE(reversed[i] == float(i / 256 * 256 + 256 - i % 256));
    for (std::size_t i = 0; i < 64; ++i) REQUIRE(pairs[i] == float((i ^ 1) + 1));
  });
}

TEST_CASE("lanes of a warp exchange numbers") {
  std::vector<int> numbers(64);
  std::iota(numbers.begin(), numbers.end(), 100);
  const DeviceVector<int> in(numbers), out(192);
  under_all_schedules([&] {
    launch(simt::test::ShuffleLanes{in.data(), out.data()});
    const auto all = out.values();
    for (int t = 0; t < 64; ++t) {
      const int warp = t / 32 * 32, lane = t % 32;
      REQUIRE(all[std::size_t(t)] == numbers[std::size_t(t ^ 1)]);
      REQUIRE(all[std::size_t(64 + t)] == numbers[std::size_t(warp + 31 - lane)]);
      REQUIRE(all[std::size_t(128 + t)] == (lane < 16 ? 16 * (100 + warp) + 120 : 0));
    }
  });
}

TEST_CASE("reductions give every thread the result, atomics count everybody") {
  const DeviceVector<float> in(counting(384));
  under_all_schedules([&] {
    const DeviceVector<float> sums(std::vector<float>{0, 0});
    const DeviceVector<int> count(std::vector<int>{0});
    launch(simt::test::AddUp{in.data(), sums.data(), count.data()});
    CHECK(sums.values() == std::vector<float>{384 * 385 / 2, 128 + 256 + 384});
    CHECK(count.values()[0] == 384);
  });
}

TEMPLATE_TEST_CASE("tensor cores multiply what ldmatrix hands out", "", bf16, f16) {
  for (const int rows : {16, 11, 1}) {
    CAPTURE(rows);
    std::vector<TestType> a(256), b(256), c(256);
    for (int i = 0; i < 256; ++i) {
      a[std::size_t(i)] = TestType(float(i * 7 % 13 - 6));
      b[std::size_t(i)] = TestType(float(i * 5 % 11 - 5));
      c[std::size_t(i)] = TestType(float(i * 3 % 17 - 8));
    }
    const DeviceVector<TestType> da(a), db(b), dc(c);
    const auto at = [&](const std::vector<TestType>& m, int r, int k) {
      return r < rows ? float(m[std::size_t(r * 16 + k)]) : 0.0f;
    };
    under_all_schedules([&] {
      const DeviceVector<float> by_rows(256), by_columns(256);
      launch(simt::test::TensorCoreProducts<TestType>{da.data(), db.data(), dc.data(), by_rows.data(),
                                                      by_columns.data(), rows});
      const auto got_rows = by_rows.values(), got_columns = by_columns.values();
      for (int r = 0; r < 16; ++r)
        for (int n = 0; n < 16; ++n) {
          float want_rows = 0, want_columns = 0;
          for (int k = 0; k < 16; ++k)
            want_rows += at(a, r, k) * at(b, n, k), want_columns += at(a, r, k) * at(c, k, n);
          REQUIRE(got_rows[std::size_t(r * 16 + n)] == want_rows);
          REQUIRE(got_columns[std::size_t(r * 16 + n)] == want_columns);
        }
    });
  }
}

TEST_CASE("a kernel's shared memory is counted as it is carved") {
  CHECK(shared_bytes(simt::test::ReverseBlock{}) == 1024);
  CHECK(shared_bytes(simt::test::TensorCoreProducts<bf16>{}) == 3 * 16 * 24 * 2);
  CHECK(shared_bytes(simt::test::WhoAmI{}) == 0);
  CHECK(blocks_for(0, 4) == 1);
  CHECK(blocks_for(8, 4) == 2);
  CHECK(blocks_for(9, 4) == 3);
  CHECK(vector_length<bf16> == 8);
  CHECK(vector_length<bf16, float> == 4);
}
