#include <vlt/train/process_memory.hpp>

#include <catch2/catch.hpp>
#include <cstdint>
#include "parameters.hpp"

using namespace vlt;

TEST_CASE("a layout foretells what a store allocates", "[store]") {
  LooseModel<Precision::bf16> model;
  const auto registry = model.registry();
  const StoreLayout layout(registry, {});
  // slots are rounded up to 32 elements: 96 + 32 train in unit 0, 64 are frozen, 33 * 70 = 2310 -> 2336 in unit 1
  const StoreBytes first{(128 + 64) * 2, 0, 128 * 4, 128 * 4, 2 * 128 * 4};
  const StoreBytes second{2336 * 2, 0, 2336 * 4, 2336 * 4, 2 * 2336 * 4};
  CHECK(layout.bytes(layout.units()[0]) == first);
  CHECK(layout.bytes(ComponentKind::projector) == first);
  CHECK(layout.bytes(ComponentKind::language) == second);
  CHECK(layout.bytes(ComponentKind::vision) == StoreBytes{});
  CHECK(layout.bytes().total() == first.total() + second.total());
  ParameterStore store(model.registry());
  CHECK(store.bytes() == layout.bytes());
  CHECK(store.unit(1).slot(1).range.size() == 2336);
}

TEST_CASE("shares cover a unit once and begin on cache lines", "[store]") {
  LooseModel<Precision::bf16> model;
  for (int ranks : {1, 2, 3, 5}) {
    std::vector<Index> end(2, 0);
    for (int rank = 0; rank < ranks; ++rank) {
      const StoreLayout layout(model.registry(), {rank, ranks, true, true, true});
      for (int u = 0; u < 2; ++u) {
        const UnitLayout& unit = layout.units()[u];
        CHECK(unit.share.begin == end[u]);
        CHECK(unit.share.begin % 32 == 0);
        end[u] = unit.share.end;
        CHECK(unit.held_grads == unit.share);
        CHECK(unit.share.size() * ranks == unit.all.size());
        CHECK(unit.all.size() >= (u == 0 ? 128 : 2336));
      }
      CHECK(layout.bytes().gradient ==
            std::size_t(layout.units()[0].share.size() + layout.units()[1].share.size()) * 4);
    }
  }
}

TEST_CASE("parameters begin on cache lines and do not overlap", "[store]") {
  LooseModel<Precision::bf16> model;
  ParameterStore store(model.registry());
  const auto number = [&](const auto& p) { return 1 + (&p - store.registry().params.data()); };
  const auto line = [](const void* p) { return reinterpret_cast<std::uintptr_t>(p) % 64; };
  for (const auto& p : store.registry().params) {
    CHECK(line(p.value->data) == 0);
    fill_values(*p.value, bf16(float(number(p))));
    if (p.trains()) CHECK(line(p.grad->data) == 0);
  }
  for (const auto& p : store.registry().params)
    for (const bf16 v : values_of(*p.value)) REQUIRE(float(v) == float(number(p)));
  CHECK_FALSE(model.still.trains());
  CHECK(model.still.grad.data == nullptr);
}
