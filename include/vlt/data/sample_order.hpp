#pragma once
#include <numeric>
#include <span>
#include <utility>
#include <vector>
#include <vlt/base/config.hpp>
#include <vlt/base/error.hpp>

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

  // Fisher and Yates from the end; one draw of 32 bits a step, scaled down (Lemire 2019): the bias is below n / 2^32.
  void arrange(Index epoch) {
    order_ = records_, epoch_ = epoch;
    if (!shuffled_) return;
    for (std::size_t i = order_.size(); i-- > 1;)
      std::swap(order_[i], order_[std::size_t((draw(std::uint64_t(epoch), i) >> 32) * (i + 1) >> 32)]);
  }
  std::uint64_t draw(std::uint64_t epoch, std::uint64_t i) const { return mixed(mixed(mixed(seed_) + epoch) + i); }
  // splitmix64 (Steele, Lea, Flood 2014).
  static std::uint64_t mixed(std::uint64_t x) {
    x += 0x9e3779b97f4a7c15;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
  }
};

}  // namespace vlt
