// The two-ended stack: alignment, marks, planning, and its refusal to give more than it has.
#include <catch2/catch.hpp>
#include <cstdint>
#include <unit/device.hpp>
#include <vlt/tensor/arena.hpp>

using vlt::Arena;
using Memory = vlt::Buffer<std::byte, under_test>;

namespace {
std::byte* at(auto* p) { return reinterpret_cast<std::byte*>(p); }
template <class T> std::byte* at(vlt::Address<T, under_test> a) { return at(static_cast<T*>(a)); }
}  // namespace

TEST_CASE("keep grows up, temp grows down, in granules") {
  const Memory memory(512);
  Arena a(memory);
  const auto first = a.keep<float, under_test>(3);
  const auto second = a.keep<double, under_test>(1);
  const auto last = a.temp<float, under_test>(17);
  CHECK(at(first) == memory.data());
  CHECK(at(second) == memory.data() + 64);
  CHECK(at(last) == memory.data() + 512 - 128);
  CHECK(a.peak() == 2 * 64 + 128);
}

TEST_CASE("released memory is given again, and the peak remembers") {
  const Memory memory(256);
  Arena a(memory);
  const auto mark = a.mark();
  const auto t = a.temp<std::byte, under_test>(128);
  a.release_temp(mark);
  CHECK(a.temp<std::byte, under_test>(128) == t);
  a.keep<std::byte, under_test>(128);
  a.release_keep(mark);
  CHECK(at(a.keep<char, under_test>(1)) == memory.data());
  CHECK(a.peak() == 256);
}

TEST_CASE("an arena gives no more than it has") {
  const Memory memory(128);
  Arena a(memory);
  a.keep<char, under_test>(64);
  a.temp<char, under_test>(64);
  CHECK_THROWS_AS((a.keep<char, under_test>(1)), std::bad_alloc);
}

TEST_CASE("without memory it plans what the same calls need with memory") {
  const auto calls = [](Arena& a) {
    a.keep<double, under_test>(100);
    const auto mark = a.mark();
    a.temp<float, under_test>(1000);
    a.release_temp(mark);
    a.temp<float, under_test>(10);
    a.keep<float, under_test>(7);
  };
  Arena plan;
  calls(plan);
  CHECK(plan.planning());
  const Memory memory{vlt::Index(plan.peak())};
  Arena real(memory);
  CHECK_NOTHROW(calls(real));
  CHECK(real.peak() == plan.peak());
  CHECK_FALSE(real.planning());
}

TEST_CASE("an arena may be a part of its buffer, and no more") {
  const Memory memory(256);
  Arena a(memory, 128);
  CHECK(at(a.temp<char, under_test>(1)) == memory.data() + 64);
  CHECK_THROWS_AS((a.keep<char, under_test>(65)), std::bad_alloc);
  CHECK_THROWS_AS(Arena(memory, 257), std::logic_error);
}

TEST_CASE("an arena serves the memory it lies in: every instruction set of the host, no other device") {
  using vlt::Device;
  const vlt::Buffer<std::byte, Device::portable> memory(256);
  Arena a(memory);
  CHECK_NOTHROW(a.keep<float, Device::avx2>(1));
  CHECK_NOTHROW(a.temp<float, Device::portable>(1));
  CHECK_THROWS_AS((a.keep<float, Device::cuda>(1)), std::logic_error);
  CHECK_THROWS_AS((a.temp<float, Device::cuda>(1)), std::logic_error);
  Arena plan;  // a plan serves what is asked first
  CHECK_NOTHROW(plan.temp<float, Device::cuda>(1));
  CHECK_NOTHROW(plan.keep<float, Device::cuda>(1));
  CHECK_THROWS_AS((plan.keep<float, Device::avx2>(1)), std::logic_error);
}
