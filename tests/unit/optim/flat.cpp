#include <catch2/catch.hpp>
#include <unit/device.hpp>
#include <vlt/optim/flat.hpp>

using namespace vlt;

TEST_CASE("ranges hold what lies between their ends", "[store]") {
  const Range r{3, 7};
  CHECK((r.size() == 4 && Range().size() == 0 && Range() == Range{0, 0}));
  CHECK((!r.holds(2) && r.holds(3) && r.holds(6) && !r.holds(7)));
  CHECK(intersection(r, {0, 5}) == Range{3, 5});
  CHECK(intersection(r, {4, 9}) == Range{4, 7});
  CHECK(intersection(r, {4, 5}) == Range{4, 5});
  CHECK(intersection({4, 5}, r) == Range{4, 5});
  CHECK(intersection(r, {7, 9}) == Range{7, 7});
  CHECK(intersection(r, {8, 9}).size() == 0);
  CHECK(intersection({8, 9}, r).size() == 0);
  CHECK(intersection(r, {0, 2}).size() == 0);
}

TEST_CASE("a part of a unit is found by its place in the whole", "[store]") {
  std::vector<float> held{3, 4, 5, 6};
  const Buffer<float, under_test> memory(4);
  const Flat<float, under_test> flat{memory.address(0), {3, 7}};
  for (Index i = 3; i < 7; ++i) *flat.at(i) = float(i);
  CHECK(std::vector<float>(flat.data().begin(), flat.data().end()) == held);
  CHECK(flat.part({4, 6}).size() == 2);
  CHECK(flat.part({4, 6})[0] == 4);
  const auto row = flat.row({5, 7});
  CHECK((row.rows == 1 && row.cols == 2 && row.stride == 2 && row(0, 0) == 5 && row(0, 1) == 6));
  CHECK(flat.row({5, 5}).data == nullptr);
  const auto planned = planned_row<float, under_test>({5, 8});
  CHECK((planned.rows == 1 && planned.cols == 3 && planned.stride == 3 && planned.data == nullptr));
}
