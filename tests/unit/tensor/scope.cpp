// Scope::run is where planning and execution part; hooks are called in both.
#include <catch2/catch.hpp>
#include <string>
#include <unit/device.hpp>
#include <vlt/tensor/scope.hpp>

using namespace vlt;

namespace {

struct Recorder : UnitHooks {
  std::string log;
  void acquire(Scope&, int u, Pass p) override { log += (p == Pass::forward ? "f" : "b") + std::to_string(u); }
  void release(Scope&, int u) override { log += "r" + std::to_string(u); }
  void grad_ready(Scope&, int u) override { log += "g" + std::to_string(u); }
};

}  // namespace

TEST_CASE("a plan counts and does not execute") {
  Threads threads;
  Arena plan;
  CostTable table;
  Recorder hooks;
  Scope s(plan, threads, &hooks, &table);
  int ran = 0;
  s.run("gemm", {10, 4}, [&] { ++ran; });
  s.run("gemm", {5, 2}, [&] { ++ran; });
  s.run("add", {1, 1}, [&] { ++ran; });
  s.acquire(3, Pass::forward), s.grad_ready(3), s.release(3);
  CHECK(ran == 0);
  CHECK(hooks.log == "f3g3r3");
  CHECK(s.total() == Cost{16, 7});
  CHECK(table.line["gemm"].calls == 2);
  CHECK(table.line["gemm"].cost == Cost{15, 6});
}

TEST_CASE("with memory it executes, counts the same, and calls the hooks") {
  const Buffer<std::byte, under_test> memory(64);
  Threads threads;
  Arena arena(memory);
  Recorder hooks;
  Scope s(arena, threads, &hooks);
  int ran = 0;
  s.run("gemm", {10, 4}, [&] { ++ran; });
  s.acquire(3, Pass::forward), s.acquire(4, Pass::backward), s.grad_ready(4), s.release(3);
  CHECK(ran == 1);
  CHECK(hooks.log == "f3b4g4r3");
  CHECK(s.total() == Cost{10, 4});
}

TEST_CASE("a Frame gives back temporaries, not what is kept") {
  Threads threads;
  Arena plan;
  Scope s(plan, threads);
  {
    Frame frame(s);
    s.temp<Matrix<float, under_test>>({4, 4});
    s.keep<Matrix<float, under_test>>({4, 4});
    CHECK(plan.mark().temp == 64);
  }
  CHECK(plan.mark().temp == 0);
  CHECK(plan.mark().keep == 64);
}

TEST_CASE("a scope gives no matrix of another memory than its arena's") {
  Threads threads;
  const Buffer<std::byte, Device::cpu> memory(256);
  Arena arena(memory);
  Scope s(arena, threads);
  CHECK_NOTHROW(s.temp<Matrix<float, Device::portable>>({1, 1}));
  CHECK_THROWS_AS((s.temp<Matrix<float, Device::cuda>>({1, 1})), std::logic_error);
  CHECK_THROWS_AS((s.keep<Tokens<space::text, float, Device::cuda>>({1, 1})), std::logic_error);
}

TEST_CASE("keep_if keeps what backward reads and nothing else") {
  Threads threads;
  Arena plan;
  Scope s(plan, threads);
  const Segments batch = equal_segments(1, 16);
  const auto kept = s.keep_if<Tokens<space::text, float, under_test>>(true, {16, 1}, batch);
  CHECK(plan.mark().keep == 64);
  CHECK(kept.segments.rows() == batch.rows());
  s.keep_if<Matrix<float, under_test>>(false, {16, 1});
  CHECK(plan.mark().keep == 64);
  CHECK(plan.mark().temp == 64);
}
