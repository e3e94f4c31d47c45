#include <catch2/catch.hpp>
#include <vlt/dist/first_fit.hpp>

using namespace vlt;

TEST_CASE("the first gap that is large enough is taken, and what is given back is taken again", "[dist]") {
  dist::FirstFit places(4);
  const Range a = places.take(10), b = places.take(5), c = places.take(20);
  CHECK(a == Range{0, 10});
  CHECK(b == Range{10, 15});
  CHECK(c == Range{15, 35});
  places.give(b);
  CHECK(places.take(6) == Range{35, 41});
  CHECK(places.take(5) == b);
  places.give(a), places.give(b);
  CHECK(places.take(15) == Range{0, 15});
  CHECK(places.peak() == 41);
  places.give({0, 15}), places.give(c), places.give({35, 41});
  CHECK(places.empty());
  CHECK(places.peak() == 41);
  places.clear();
  CHECK(places.peak() == 0);
}
