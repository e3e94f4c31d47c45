#include <catch2/catch.hpp>
#include <map>
#include <vlt/data/sample_order.hpp>

using namespace vlt;
using Positions = std::vector<Index>;

TEST_CASE("every order of an epoch is as likely as any other") {
  // A shuffle that never leaves a record in its place, or leaves the first or the last, misses some of the 24.
  const data::SampleOrder order({5, 6, 7, 8}, 11, true);
  CHECK(order.records() == 4);
  std::map<Positions, int> times;
  for (Index epoch = 0; epoch < 2400; ++epoch) ++times[order.epoch(epoch)];
  CHECK(times.size() == 24);
  double chi = 0;
  for (const auto& [positions, n] : times) chi += (n - 100.0) * (n - 100.0) / 100.0;
  CHECK(chi < 50);  // 23 degrees of freedom: exceeded once in a thousand seeds
}

TEST_CASE("an epoch has the same order whenever it is asked for; another seed has another") {
  Positions records(23);
  for (std::size_t i = 0; i < records.size(); ++i) records[i] = Index(100 + i);
  const data::SampleOrder order(records, 1, true), other(records, 2, true);
  const Positions late = order.epoch(17);
  CHECK(order.epoch(3) != late);
  CHECK(order.epoch(17) == late);
  CHECK(other.epoch(17) != late);
  CHECK(data::SampleOrder(records, 1, false).epoch(17) == records);
}
