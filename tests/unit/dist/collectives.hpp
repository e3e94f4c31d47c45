#pragma once
#include <numeric>
#include <vector>
#include <vlt/dist/gather_texts.hpp>

// What every World promises. Each of these runs on all ranks and tells each whether it saw what it should.
namespace vlt::test {

// Of ((1e16 + 1) - 1e16) + 1 and the like any other order gives something else, in at least one place.
inline bool sums_are_formed_in_rank_order(dist::World& world) {
  const double value[] = {1e16, 1, -1e16, 1};
  const auto of = [&](int rank) { return value[rank % 4]; };
  const int ranks = world.size(), rank = world.rank();
  std::vector<double> x(std::size_t(2 * ranks)), all(8, of(rank)), part(2);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = of(rank) * double(i + 1);
  world.reduce_scatter_sum<double>(x, part);
  world.all_reduce_sum<double>(all);
  double sum = 0;
  for (int r = 0; r < ranks; ++r) sum += of(r);
  bool right = all == std::vector<double>(8, sum);
  for (int i = 0; i < 2; ++i) {
    double expected = 0;
    for (int r = 0; r < ranks; ++r) expected += of(r) * double(2 * rank + i + 1);
    right &= part[std::size_t(i)] == expected;
  }
  return right;
}

// In place, and with sizes that ranks do not divide: `count` of them.
inline bool collectives_work_in_place(dist::World& world, std::size_t count) {
  const int ranks = world.size(), rank = world.rank();
  std::vector<float> x(count), y(std::size_t(2 * ranks));
  for (std::size_t i = 0; i < count; ++i) x[i] = float(i % 1000) + float(rank);
  world.all_reduce_sum<float>(x);
  std::iota(y.begin(), y.end(), float(rank));
  const std::span<float> mine(y.data() + 2 * rank, 2);
  world.reduce_scatter_sum<float>(std::span<const float>(y), mine);
  world.all_gather<float>(std::span<const float>(mine), y);
  const float ranks_sum = float(ranks * (ranks - 1) / 2);
  bool right = true;
  for (std::size_t i = 0; i < count; ++i) right &= x[i] == float(ranks) * float(i % 1000) + ranks_sum;
  for (std::size_t i = 0; i < y.size(); ++i) right &= y[i] == float(ranks) * float(i) + ranks_sum;
  return right;
}

// A share of many numbers each, of which a World may send a part at a time.
inline bool long_shares_arrive_whole(dist::World& world) {
  const std::size_t each = 100003;
  const int ranks = world.size(), rank = world.rank();
  std::vector<float> all(each * std::size_t(ranks)), share(each);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = float(i % 977 + std::size_t(rank));
  world.reduce_scatter_sum<float>(all, share);
  world.all_gather<float>(share, all);
  bool right = true;
  for (std::size_t i = 0; i < all.size(); ++i)
    right &= all[i] == float(ranks) * float(i % 977) + float(ranks * (ranks - 1) / 2);
  return right;
}

inline bool counts_are_exact_and_one_tells_all(dist::World& world) {
  const Index large = Index(1) << 60, ranks = world.size(), rank = world.rank();
  std::vector<Index> sums{large + rank, -rank};
  world.all_reduce_sum<Index>(sums);  // of fewer than 8 ranks
  std::vector<bf16> told{bf16(float(rank)), bf16(7.0f)};
  world.broadcast<bf16>(told, world.size() - 1);
  const std::string text(std::size_t(3 * rank), char('a' + rank));
  const std::vector<std::string> texts = dist::gather_texts(world, text);
  bool right = float(told[0]) == float(ranks - 1) && texts.size() == std::size_t(ranks);
  for (Index r = 0; r < ranks; ++r) right &= texts[std::size_t(r)] == std::string(std::size_t(3 * r), char('a' + r));
  const Index ranks_sum = ranks * (ranks - 1) / 2;
  return right && sums == std::vector<Index>{ranks * large + ranks_sum, -ranks_sum};
}

}  // namespace vlt::test
