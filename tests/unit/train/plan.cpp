#include <unit/optim/parameters.hpp>
#include <vlt/train/plan.hpp>
#include <vlt/train/process_memory.hpp>

#include <array>
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

TEST_CASE("a plan holds the pass that needs most, and the arithmetic of whole steps", "[train]") {
  const auto pass = [](std::size_t arena, std::size_t weights, std::size_t gradients, double flops) {
    PassPlan p;
    p.arena_bytes = arena, p.lent.weights = weights, p.lent.gradients = gradients, p.cost.flops = flops;
    return p;
  };
  CHECK(PassPlan().bytes() == 0);
  CHECK(pass(1, 2, 4, 0).bytes() == 7);
  const auto planned = [](const PassPlan& training, const PassPlan& evaluation, const PassPlan& update) {
    Plan plan;
    add_step(plan, training, evaluation, update, 3);
    CHECK(plan.step_flops == 3 * training.cost.flops + update.cost.flops);
    CHECK(plan.evaluation_flops == evaluation.cost.flops);
    CHECK(plan.total() == std::max({training.bytes(), evaluation.bytes(), update.bytes()}));
    return std::array{plan.of("step", "activations"), plan.of("step", "lent weights"),
                      plan.of("step", "lent gradients")};
  };
  using Bytes = std::array<std::size_t, 3>;
  const PassPlan small = pass(1, 1, 1, 5), large = pass(9, 2, 4, 7), other = pass(2, 9, 4, 11);
  CHECK(planned(large, small, small) == Bytes{9, 2, 4});
  CHECK(planned(small, large, small) == Bytes{9, 2, 4});
  CHECK(planned(small, small, large) == Bytes{9, 2, 4});
  CHECK(planned(large, other, small) == Bytes{9, 2, 4});  // alike: the first
  CHECK(planned(other, small, large) == Bytes{2, 9, 4});
  CHECK((Plan().step_flops == 0 && Plan().evaluation_flops == 0 && Plan().total() == 0));
}

TEST_CASE("a plan of two lines that does not fit is refused as well", "[train]") {
  Plan plan;
  plan.add("x", "small", 1), plan.add("y", "large", 2000);
  try {
    check_fits(plan, 2000);
    FAIL("it was accepted");
  } catch (const Error& e) {
    CHECK(e.complaint().code() == "MEM-PLAN-001");
    CHECK(e.complaint().expected() == "at most 1.95 KiB");
    CHECK(e.complaint().found() == "1.95 KiB (y large 1.95 KiB, x small 1 B)");
  }
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
