#pragma once
#include <utility>
#include <vector>
#include <vlt/base/config.hpp>
#include <vlt/base/rng.hpp>

namespace vlt::data {

// In which order records are seen: a function of (seed, epoch) alone.
class SampleOrder {
 public:
  // records: what every epoch visits. Without `shuffled` each does so in this order.
  SampleOrder(std::vector<Index> records, std::uint64_t seed, bool shuffled)
      : records_(std::move(records)), seed_(seed), shuffled_(shuffled) {}

  Index records() const { return Index(records_.size()); }

  // Fisher and Yates from the end; each epoch has a stream of its own.
  std::vector<Index> epoch(Index number) const {
    std::vector<Index> order = records_;
    if (!shuffled_) return order;
    const RandomStream draws{seed_, stream_of("order of an epoch") + std::uint64_t(number)};
    for (std::size_t i = order.size(); i-- > 1;) std::swap(order[i], order[std::size_t(draws.below(i, i + 1))]);
    return order;
  }

 private:
  std::vector<Index> records_;
  std::uint64_t seed_;
  bool shuffled_;
};

}  // namespace vlt::data
