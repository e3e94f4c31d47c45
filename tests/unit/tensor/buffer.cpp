// Buffers own memory of a device: zeros, touched late, copied to and from the host.
#include <catch2/catch.hpp>
#include <unit/device.hpp>
#include <vlt/train/process_memory.hpp>

using namespace vlt;

TEST_CASE("a buffer is zero, and occupies only what was touched") {
  const std::size_t before = anonymous_memory();
  Buffer<float, Device::cpu> buffer(64 << 20);  // 256 MiB
  CHECK(anonymous_memory() - before < (1 << 20));
  for (Index i = 0; i < 16 << 20; i += 1024) REQUIRE(buffer.data()[i]++ == 0);
  const std::size_t touched = anonymous_memory() - before;
  CHECK(touched > (60 << 20));
  CHECK(touched < (70 << 20));
  Buffer<float, Device::cpu> moved = std::move(buffer);
  CHECK(buffer.data() == nullptr);
  CHECK(moved.data()[0] == 1);
}

TEST_CASE("memory that the system does not give is an error with its size") {
  try {
    Buffer<float, under_test> buffer(Index(1) << 60);
    FAIL("it was given");
  } catch (const Error& e) {
    CHECK(e.exit() == ExitCode::memory);
    CHECK(e.complaint().expected() == "4611686018427387904 bytes");
  }
}

TEST_CASE("elements are copied in and out, and nothing reaches beyond the buffer") {
  Buffer<float, under_test> buffer(5);
  buffer.copy_from_host(std::vector<float>{1, 2, 3}, 2);
  std::vector<float> all(5), some(2);
  buffer.copy_to_host(all);
  CHECK(all == std::vector<float>{0, 0, 1, 2, 3});
  buffer.copy_to_host(some, 3);
  CHECK(some == std::vector<float>{2, 3});
  CHECK_THROWS_AS(buffer.copy_from_host(all, 1), std::logic_error);
  CHECK_THROWS_AS(buffer.copy_to_host(all, -1), std::logic_error);
  CHECK_THROWS_AS(buffer.copy_to_host(some, 4), std::logic_error);
  buffer.zero();
  buffer.copy_to_host(all);
  CHECK(all == std::vector<float>(5));
}

TEST_CASE("an empty buffer has no address, and nowhere stays nowhere") {
  const Buffer<float, under_test> none, some(8);
  CHECK(none.address() == nullptr);
  CHECK(none.address().after(3) == nullptr);
  CHECK(Buffer<float, under_test>(0).data() == nullptr);
  CHECK(some.address(3) == some.data() + 3);
  CHECK(some.part(2, 4).size() == 4);
}
