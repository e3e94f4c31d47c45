// A pass is planned, finds room or is refused, and runs.
#include <catch2/catch.hpp>
#include <unit/device.hpp>
#include <vlt/tensor/workspace.hpp>
using namespace vlt;

namespace {

using Bytes = Matrix<std::byte, under_test>;

// Asks for so many bytes and counts how often it was planned and run.
struct Request {
  Index bytes;
  int* planned;
  int* run;
  void operator()(Scope& s) const {
    Frame frame(s);
    s.temp<Bytes>({1, bytes});
    ++(s.arena().planning() ? *planned : *run);
    s.run("work", {3, 5}, [] {});
  }
};

}  // namespace

TEST_CASE("a workspace that may grow does so for a larger pass, and keeps what it has for a smaller one") {
  Threads threads;
  Workspace<under_test> w(threads);
  int planned = 0, run = 0;
  CHECK(w.bytes() == 0);
  CHECK(w.run(Request{1000, &planned, &run}) == Cost{3, 5});
  CHECK(w.bytes() == 1024);
  w.run(Request{100, &planned, &run});
  CHECK(w.bytes() == 1024);
  w.run(Request{5000, &planned, &run});
  CHECK(w.bytes() == 5056);
  CHECK(w.peak() == 5056);
  CHECK(planned == 3);
  CHECK(run == 3);
  w.run(Request{100, &planned, &run});
  CHECK(w.peak() == 5056);
}

TEST_CASE("a workspace of fixed size refuses a larger pass before it begins") {
  Threads threads;
  Workspace<under_test> w(threads, 1024);
  int planned = 0, run = 0;
  w.run(Request{1000, &planned, &run});
  try {
    w.run(Request{1025, &planned, &run});
    FAIL("not refused");
  } catch (const Error& e) {
    CHECK(e.complaint().code() == "MEM-ARENA-001");
    CHECK(e.complaint().expected() == "at most 1024 bytes");
    CHECK(e.complaint().found() == "1088 bytes");
  }
  CHECK(run == 1);
  CHECK(w.bytes() == 1024);
  CHECK(w.peak() == 1024);
}

TEST_CASE("a lender's memory serves what fits there, own memory the rest") {
  Threads threads;
  const Workspace<under_test> lender(threads, 1024);
  Workspace<under_test> w(threads, &lender);
  int planned = 0, run = 0;
  w.run(Request{1024, &planned, &run});
  CHECK(w.bytes() == 0);
  w.run(Request{1025, &planned, &run});
  CHECK(w.bytes() == 1088);
  w.run(Request{1000, &planned, &run});
  CHECK(run == 3);
}

TEST_CASE("hooks hear of the plan and of the pass") {
  struct Counting : UnitHooks {
    int acquired = 0;
    void acquire(Scope&, int, Pass) override { ++acquired; }
    void release(Scope&, int) override {}
    void grad_ready(Scope&, int) override {}
  } hooks;
  Threads threads;
  const auto pass = [](Scope& s) { s.acquire(0, Pass::forward), s.temp<Bytes>({1, 64}); };
  CHECK(planned_bytes(threads, pass, &hooks) == 64);
  CHECK(hooks.acquired == 1);
  Workspace<under_test>(threads, 64).carry_out(pass, &hooks);
  CHECK(hooks.acquired == 2);
}
