#include <vlt/base/thread_clock.hpp>

#include <catch2/catch.hpp>
#include <chrono>
#include <thread>

TEST_CASE("a thread's seconds pass while it computes, not while it sleeps or others compute") {
  const auto compute = [] {
    const double begin = vlt::thread_seconds();
    volatile double sum = 0;
    while (vlt::thread_seconds() < begin + 0.02) sum = sum + 1;
  };
  const double begin = vlt::thread_seconds();
  std::thread other(compute);
  other.join();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const double waited = vlt::thread_seconds() - begin;
  CHECK(waited >= 0);
  CHECK(waited < 0.02);
  compute();
  CHECK(vlt::thread_seconds() - begin >= 0.02);
}
