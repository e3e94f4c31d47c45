#include <catch2/catch.hpp>
#include <set>
#include <vlt/data/split.hpp>

using namespace vlt;
using Positions = std::vector<Index>;

// Vectors printed by numpy: RandomState(seed).shuffle(arange(n)), RandomState(seed).choice(n, k, replace=False).
TEST_CASE("the shuffle is numpy's", "[golden]") {
  CHECK(data::NumpyRandom(1234).permutation(7) == Positions{2, 1, 6, 0, 4, 5, 3});
  CHECK(data::NumpyRandom(1234).permutation(10) == Positions{7, 2, 9, 1, 0, 8, 4, 5, 6, 3});
  CHECK(data::NumpyRandom(42).permutation(20) ==
        Positions{0, 17, 15, 1, 8, 5, 11, 3, 18, 16, 13, 2, 9, 19, 4, 12, 7, 10, 14, 6});
  auto long_one = data::NumpyRandom(1234).permutation(1000);
  long_one.resize(10);
  CHECK(long_one == Positions{681, 990, 155, 768, 438, 363, 688, 555, 620, 99});
  CHECK(data::NumpyRandom(1234).choice(10, 4) == Positions{7, 2, 9, 1});
  CHECK(data::NumpyRandom(1).permutation(0).empty());
  CHECK(data::NumpyRandom(1).permutation(1) == Positions{0});
}

TEST_CASE("subsample, join, shuffle, split") {
  SECTION("all of one set") {
    const data::Split s = data::split_records({10}, {std::nullopt}, 0.9, 1234);
    CHECK(s.train == Positions{7, 2, 9, 1, 0, 8, 4, 5, 6});
    CHECK(s.eval == Positions{3});
    CHECK(s.not_selected == 0);
  }
  SECTION("four drawn of ten, in the order drawn, then shuffled afresh") {
    const Positions drawn{7, 2, 9, 1}, order = data::NumpyRandom(1234).permutation(4);
    const data::Split s = data::split_records({10}, {4}, 0.5, 1234);
    CHECK(s.train == Positions{drawn[std::size_t(order[0])], drawn[std::size_t(order[1])]});
    CHECK(s.eval == Positions{drawn[std::size_t(order[2])], drawn[std::size_t(order[3])]});
    CHECK(s.not_selected == 6);
  }
  SECTION("two sets draw from one stream") {
    data::NumpyRandom stream(5);
    Positions expected = stream.choice(8, 3);
    for (const Index i : stream.choice(6, 2)) expected.push_back(8 + i);
    const data::Split s = data::split_records({8, 6}, {3, 2}, 1, 5);
    CHECK(std::multiset(s.train.begin(), s.train.end()) == std::multiset(expected.begin(), expected.end()));
    Positions ordered;
    for (const Index at : data::NumpyRandom(5).permutation(5)) ordered.push_back(expected[std::size_t(at)]);
    CHECK(s.train == ordered);
    CHECK(s.not_selected == 9);
  }
  SECTION("ratios cut by truncation; more samples than records are all") {
    CHECK(data::split_records({7}, {100}, 0.5, 1).train.size() == 3);
    CHECK(data::split_records({3}, {std::nullopt}, 0, 1).eval.size() == 3);
    CHECK(data::split_records({3}, {std::nullopt}, 1, 1).eval.empty());
    CHECK(data::split_records({100}, {std::nullopt}, 0.29, 1).train.size() == 28);  // 100 * 0.29 is below 29 in double
  }
}
