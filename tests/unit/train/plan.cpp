#include <unit/optim/parameters.hpp>
#include <vlt/train/plan.hpp>
#include <vlt/train/process_memory.hpp>

#include <catch2/catch.hpp>
#include <sstream>

using namespace vlt;

TEST_CASE("a plan adds up and reads as a table", "[train]") {
  Plan plan;
  plan.add("vision", "weights", 3 << 20);
  plan.add("vision", "gradients", 0);
  plan.add("step", "activations", 1000);
  plan.step_flops = 2.5e12;
  CHECK(plan.lines.size() == 2);
  CHECK(plan.total() == (3 << 20) + 1000);
  CHECK(plan.of("vision") == 3 << 20);
  CHECK(plan.of("vision", "gradients") == 0);
  std::ostringstream out;
  out << plan;
  CHECK(out.str() ==
        "vision       weights                  3.00 MiB\n"
        "step         activations                1000 B\n"
        "total                                 3.00 MiB\n"
        "one optimiser step                   2.500 TFLOP\n");
}

TEST_CASE("a plan leaves out what lies in files, and says how much that is", "[train]") {
  LooseModel<Precision::bf16> model;
  Placement placement;
  Plan whole, offloaded;
  add_parameters(whole, StoreLayout(model.registry(), placement));
  placement.offload_optimizer = true;
  const StoreLayout layout(model.registry(), placement);
  add_parameters(offloaded, layout);
  CHECK(whole.in_files == 0);
  CHECK(offloaded.in_files == layout.bytes().master + layout.bytes().state);
  CHECK(offloaded.in_files > 3 * 2000 * sizeof(float));
  CHECK(offloaded.total() + offloaded.in_files == whole.total());
  std::ostringstream out;
  out << offloaded;
  CHECK_THAT(out.str(), Catch::Contains("in files (--offload)                 28.88 KiB\n"));
}

TEST_CASE("a plan that does not fit is refused, naming its largest lines", "[train]") {
  Plan plan;
  for (auto [kind, bytes] : {std::pair{"small", 1}, {"largest", 4000}, {"second", 2000}, {"third", 1000}})
    plan.add("x", kind, std::size_t(bytes));
  CHECK_NOTHROW(check_fits(plan, 7001));
  try {
    check_fits(plan, 7000);
    FAIL("it was accepted");
  } catch (const Error& e) {
    CHECK(e.exit() == ExitCode::memory);
    CHECK(e.complaint().found() == "6.84 KiB (x largest 3.91 KiB, x second 1.95 KiB, x third 1000 B)");
  }
}

TEST_CASE("the process knows its memory", "[train]") {
  CHECK(anonymous_memory() > 100000);
  CHECK(peak_memory() >= anonymous_memory());
  CHECK(available_memory() > (1 << 20));
  CHECK(reported_kib("/proc/self/status", "NoSuchKey:") == 0);
  CHECK(reported_kib("/no/such/file", "RssAnon:") == 0);
}
