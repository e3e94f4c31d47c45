#include <catch2/catch.hpp>
#include <vlt/data/numpy_shuffle.hpp>

using namespace vlt;
using Positions = std::vector<Index>;

// Vectors printed by numpy: shuffle(arange(n)) and choice(n, k, replace=False) on one RandomState after another.
TEST_CASE("draws from one stream are numpy's, one after another", "[golden]") {
  data::NumpyRandom stream(1234);
  CHECK(stream.permutation(4) == Positions{0, 1, 2, 3});
  CHECK(stream.permutation(5) == Positions{2, 1, 3, 0, 4});
  CHECK(stream.choice(9, 3) == Positions{6, 4, 0});
  CHECK(stream.permutation(1) == Positions{0});  // draws nothing
  CHECK(stream.permutation(6) == Positions{1, 4, 3, 0, 5, 2});
}

TEST_CASE("numpy's shuffle on both sides of a power of two, and beyond 16 bits", "[golden]") {
  CHECK(data::NumpyRandom(7).permutation(32) == Positions{2,  26, 1,  9,  13, 5,  20, 16, 27, 17, 21,
                                                          11, 31, 12, 18, 0,  30, 6,  24, 28, 10, 29,
                                                          8,  14, 7,  23, 19, 3,  22, 25, 4,  15});
  CHECK(data::NumpyRandom(7).permutation(33) == Positions{2,  28, 1,  9,  13, 5,  20, 16, 29, 17, 21,
                                                          11, 15, 12, 18, 0,  32, 6,  26, 30, 10, 24,
                                                          8,  27, 14, 31, 7,  23, 19, 3,  22, 25, 4});
  const Positions many = data::NumpyRandom(99).permutation(70000);
  CHECK(Positions(many.begin(), many.begin() + 6) == Positions{5406, 53858, 30647, 36944, 24742, 55364});
  CHECK(Positions(many.end() - 6, many.end()) == Positions{23749, 57042, 36008, 46265, 23587, 29313});
  Index sum = 0;
  for (std::size_t i = 0; i < many.size(); ++i) sum += many[i] * Index(i + 1);
  CHECK(sum % 1000003 == 207361);
}

TEST_CASE("a choice of more than there are is all of them") {
  CHECK(data::NumpyRandom(3).choice(3, 5) == data::NumpyRandom(3).permutation(3));
  CHECK(data::NumpyRandom(3).permutation(-2).empty());
}
