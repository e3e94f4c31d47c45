// Which cores a thread may run on: seen, taken, and written down.
#include <catch2/catch.hpp>
#include <thread>
#include <vlt/base/cores.hpp>

using namespace vlt;

TEST_CASE("a thread that takes a core has no other") {
  const std::vector<int> before = allowed_cores();
  REQUIRE_FALSE(before.empty());
  std::vector<int> bound, inherited;
  bool taken = false, nowhere = true;
  std::thread([&] {
    taken = run_on({before.back()});
    bound = allowed_cores();
    std::thread([&] { inherited = allowed_cores(); }).join();
    nowhere = run_on({});
  }).join();
  CHECK(taken);
  CHECK(bound == std::vector<int>{before.back()});
  CHECK(inherited == bound);
  CHECK_FALSE(nowhere);
  CHECK(allowed_cores() == before);
}

TEST_CASE("cores are written as ranges") {
  CHECK(shown_cores({}).empty());
  CHECK(shown_cores({5}) == "5");
  CHECK(shown_cores({0, 1, 2, 3, 8, 10, 11}) == "0-3,8,10-11");
}
