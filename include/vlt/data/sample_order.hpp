#pragma once
#include <numeric>
#include <span>
#include <utility>
#include <vector>
#include <vlt/base/config.hpp>
#include <vlt/base/error.hpp>
#include <vlt/base/rng.hpp>

namespace vlt {

// In which order records are seen, and which of them form a micro-batch: a function of (seed, epoch) alone. A
// micro-batch is `batch_size` records; the last of an epoch holds what is left.
class SampleOrder {
 public:
  // records: what an epoch visits. Without `shuffled` every epoch is in this order.
  SampleOrder(std::vector<Index> records, Index batch_size, std::uint64_t seed, bool shuffled)
      : records_(std::move(records)), batch_size_(batch_size), seed_(seed), shuffled_(shuffled) {
    require(batch_size > 0, "a micro-batch needs at least one record");
  }

  Index records() const { return Index(records_.size()); }
  Index batch_size() const { return batch_size_; }
  Index micro_batches_per_epoch() const { return (records() + batch_size_ - 1) / batch_size_; }

  // The records of micro-batch `number`, counted from 0 over all epochs. Valid until the next call.
  std::span<const Index> micro_batch(Index number) {
    const Index epoch = number / micro_batches_per_epoch(), first = number % micro_batches_per_epoch() * batch_size_;
    if (epoch != epoch_) arrange(epoch);
    return {order_.data() + first, std::size_t(std::min(batch_size_, records() - first))};
  }

 private:
  std::vector<Index> records_, order_;
  Index batch_size_, epoch_ = -1;
  std::uint64_t seed_;
  bool shuffled_;

  // Fisher and Yates from the end; each epoch has a stream of its own.
  void arrange(Index epoch) {
    order_ = records_, epoch_ = epoch;
    if (!shuffled_) return;
    const RandomStream draws{seed_, stream_of("order of an epoch") + std::uint64_t(epoch)};
    for (std::size_t i = order_.size(); i-- > 1;) std::swap(order_[i], order_[std::size_t(draws.below(i, i + 1))]);
  }
};

}  // namespace vlt
