#include <catch2/catch.hpp>
#include <map>
#include <vlt/data/sample_order.hpp>

using namespace vlt;
using Positions = std::vector<Index>;

namespace {
Positions epoch_of(SampleOrder& order, Index epoch) {
  Positions all;
  const Index n = order.micro_batches_per_epoch();
  for (Index k = 0; k < n; ++k)
    for (const Index record : order.micro_batch(epoch * n + k)) all.push_back(record);
  return all;
}
}  // namespace

TEST_CASE("every order of an epoch is as likely as any other") {
  // A shuffle that never leaves a record in its place, or leaves the first or the last, misses some of the 24.
  SampleOrder order({5, 6, 7, 8}, 3, 11, true);
  std::map<Positions, int> times;
  for (Index epoch = 0; epoch < 2400; ++epoch) ++times[epoch_of(order, epoch)];
  CHECK(times.size() == 24);
  double chi = 0;
  for (const auto& [positions, n] : times) chi += (n - 100.0) * (n - 100.0) / 100.0;
  CHECK(chi < 50);  // 23 degrees of freedom: exceeded once in a thousand seeds
}

TEST_CASE("micro-batches are counted over epochs; what is left of an epoch is one of them") {
  SampleOrder order({1, 2, 3, 4, 5}, 2, 0, false);
  CHECK(order.records() == 5);
  CHECK(order.batch_size() == 2);
  CHECK(order.micro_batches_per_epoch() == 3);
  const auto at = [&](Index number) {
    const auto records = order.micro_batch(number);
    return Positions(records.begin(), records.end());
  };
  CHECK(at(0) == Positions{1, 2});
  CHECK(at(2) == Positions{5});
  CHECK(at(3) == Positions{1, 2});
  CHECK(at(7) == Positions{3, 4});
  CHECK(SampleOrder({1, 2, 3, 4}, 2, 0, false).micro_batches_per_epoch() == 2);
  CHECK(SampleOrder({}, 2, 0, false).micro_batches_per_epoch() == 0);
  CHECK_THROWS_AS(SampleOrder({1}, 0, 0, false), std::invalid_argument);
}
