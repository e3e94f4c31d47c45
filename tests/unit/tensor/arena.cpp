// The two-ended stack: alignment, marks, planning, and its refusal to give more than it has.
#include <catch2/catch.hpp>
#include <cstdint>
#include <vector>
#include <vlt/tensor/arena.hpp>

using vlt::Arena;

TEST_CASE("keep grows up, temp grows down, in granules") {
  alignas(64) std::byte memory[512];
  Arena a(memory, sizeof memory);
  auto* first = a.keep<float>(3);
  auto* second = a.keep<double>(1);
  auto* last = a.temp<float>(17);
  CHECK(reinterpret_cast<std::byte*>(first) == memory);
  CHECK(reinterpret_cast<std::byte*>(second) == memory + 64);
  CHECK(reinterpret_cast<std::byte*>(last) == memory + 512 - 128);
  CHECK(a.peak() == 2 * 64 + 128);
}

TEST_CASE("released memory is given again, and the peak remembers") {
  alignas(64) std::byte memory[256];
  Arena a(memory, sizeof memory);
  const auto mark = a.mark();
  auto* t = a.temp<std::byte>(128);
  a.release_temp(mark);
  CHECK(a.temp<std::byte>(128) == t);
  a.keep<std::byte>(128);
  a.release_keep(mark);
  CHECK(reinterpret_cast<std::byte*>(a.keep<char>(1)) == memory);
  CHECK(a.peak() == 256);
}

TEST_CASE("an arena gives no more than it has") {
  alignas(64) std::byte memory[128];
  Arena a(memory, sizeof memory);
  a.keep<char>(64);
  a.temp<char>(64);
  CHECK_THROWS_AS(a.keep<char>(1), std::bad_alloc);
}

TEST_CASE("without memory it plans what the same calls need with memory") {
  const auto calls = [](Arena& a) {
    a.keep<double>(100);
    const auto mark = a.mark();
    a.temp<float>(1000);
    a.release_temp(mark);
    a.temp<float>(10);
    a.keep<float>(7);
  };
  Arena plan;
  calls(plan);
  CHECK(plan.planning());
  std::vector<std::byte> memory(plan.peak());
  Arena real(memory.data(), memory.size());
  CHECK_NOTHROW(calls(real));
  CHECK(real.peak() == plan.peak());
  CHECK_FALSE(real.planning());
}
