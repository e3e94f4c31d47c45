#pragma once
#include <algorithm>
#include <span>
#include <vlt/base/error.hpp>
#include <vlt/data/micro_batch.hpp>
#include <vlt/data/sample_order.hpp>

namespace vlt::data {

// How many records make a micro-batch, micro-batches a step, and steps a run.
struct BatchRules {
  Index sequences = 1;  // of one rank's part of a micro-batch, at most
  Index tokens = 0;     // above 0: instead, as many sequences as together have at most so many tokens, at least one
  int ranks = 1;
  int began_with = 0;  // above 0: of another number of ranks, whose micro-batches these are, dealt to `ranks`
  Index epochs = 1;
  Index accumulation = 1;  // micro-batches of an optimiser step
  Index max_steps = 0;     // 0: no limit
};

// Which records make a micro-batch of which rank, and how many micro-batches and optimiser steps a run has.
// Micro-batches are counted from 0 over all epochs; that number is the data position of a run. Of a micro-batch every
// rank has a part, which may be empty. Accumulation runs on across epochs; the last step may be shorter.
class BatchPlan {
 public:
  // sizes: of all records of the data set, which must stay.
  BatchPlan(SampleOrder order, std::span<const SampleSize> sizes, const BatchRules& rules)
      : order_(std::move(order)), sizes_(sizes), rules_(rules) {
    require(rules.sequences > 0 && rules.tokens >= 0, "a micro-batch needs at least one record");
    require(
        rules.ranks > 0 && rules.began_with >= 0 && rules.epochs > 0 && rules.accumulation > 0 && rules.max_steps >= 0,
        "a batch plan needs a rank, an epoch, and a micro-batch to a step");
    for (Index e = 0; e < rules.epochs; ++e) first_.push_back(first_.back() + count(e));
  }

  const BatchRules& rules() const { return rules_; }
  Index micro_batches() const { return first_.back(); }
  Index micro_batches(Index epoch) const { return first_.at(std::size_t(epoch) + 1) - first_[std::size_t(epoch)]; }

  // Steps of the whole training: the length of its schedule, which --max_steps does not change.
  Index schedule_steps() const { return (micro_batches() + rules_.accumulation - 1) / rules_.accumulation; }
  Index steps() const { return rules_.max_steps > 0 ? std::min(rules_.max_steps, schedule_steps()) : schedule_steps(); }
  // The data position after so many steps, and after all of them.
  Index position(Index step) const { return std::min(micro_batches(), step * rules_.accumulation); }
  Index end() const { return position(steps()); }

  // Epochs that are over at a data position; with fraction.
  Index whole_epochs(Index position) const {
    return std::upper_bound(first_.begin(), first_.end(), position) - first_.begin() - 1;
  }
  double epochs(Index position) const {
    const Index whole = std::min(whole_epochs(position), rules_.epochs - 1), length = micro_batches(whole);
    return double(whole * length + position - first_[std::size_t(whole)]) / double(length);
  }

  // A rank's part of a micro-batch. Valid until the next call.
  std::span<const Index> records(Index micro_batch, int rank) {
    const Index epoch = whole_epochs(micro_batch);
    return records(epoch, micro_batch - first_.at(std::size_t(epoch)), rank);
  }
  std::span<const Index> records(Index epoch, Index micro_batch, int rank) {
    require(micro_batch >= 0 && micro_batch < micro_batches(epoch) && rank >= 0 && rank < rules_.ranks,
            "there is no such micro-batch");
    if (epoch != arranged_.epoch) arranged_ = arrange(epoch);
    return arranged_.part(micro_batch * rules_.ranks + rank);
  }

  // Under a budget of tokens: the share of it that the parts of micro-batches use, over all epochs.
  double filled() const {
    require(rules_.tokens > 0, "a number of sequences is no budget");
    double tokens = 0;
    for (const Index record : order_.epoch(0)) tokens += size(record).tokens;
    return tokens * double(rules_.epochs) / (double(micro_batches()) * rules_.ranks * double(rules_.tokens));
  }

  // The largest of each over all parts of micro-batches that the run reads. They may stem from different ones.
  MicroBatchSize largest() const {
    MicroBatchSize largest;
    for (Index e = 0; e < rules_.epochs && first_[std::size_t(e)] < end(); ++e) {
      const Arranged epoch = arrange(e);
      const Index read = std::min(micro_batches(e), end() - first_[std::size_t(e)]);
      for (Index p = 0; p < read * rules_.ranks; ++p) {
        MicroBatchSize one;
        for (const Index record : epoch.part(p)) one.add(size(record));
        largest.cover(one);
      }
    }
    return largest;
  }

 private:
  // The records of one epoch, cut into the parts of its micro-batches: the ranks' of the first, of the second, ...
  struct Arranged {
    Index epoch = -1;
    std::vector<Index> order, ends;  // of parts

    std::span<const Index> part(Index p) const {
      const Index begin = p == 0 ? 0 : ends[std::size_t(p) - 1];
      return {order.data() + begin, std::size_t(ends[std::size_t(p)] - begin)};
    }
  };

  SampleOrder order_;
  std::span<const SampleSize> sizes_;
  BatchRules rules_;
  std::vector<Index> first_{0};  // micro-batches before each epoch, and all
  Arranged arranged_;            // the epoch that was asked for last

  int first_ranks() const { return rules_.began_with > 0 ? rules_.began_with : rules_.ranks; }
  Index sequences() const { return rules_.sequences * first_ranks(); }  // of a micro-batch, all ranks together
  const SampleSize& size(Index record) const { return sizes_[std::size_t(record)]; }

  Index count(Index epoch) const {
    if (rules_.tokens > 0) return Index(arrange(epoch).ends.size()) / rules_.ranks;
    return (order_.records() + sequences() - 1) / sequences();
  }
  Arranged arrange(Index epoch) const {
    Arranged a{epoch, order_.epoch(epoch), {}};
    rules_.tokens > 0 ? fill(a) : deal(a);
    return a;
  }
  // By number.
  void deal(Arranged& a) const {
    const Index records = Index(a.order.size());
    for (Index begin = 0; begin < records; begin += sequences()) deal(a, begin, std::min(begin + sequences(), records));
  }
  // The records of a micro-batch, evenly; the first ranks get one more.
  void deal(Arranged& a, Index begin, Index end) const {
    for (int r = 0, left = rules_.ranks; r < rules_.ranks; ++r, --left) {
      begin += (end - begin + left - 1) / left;
      a.ends.push_back(begin);
    }
  }
  // By tokens: one part after another is filled, for as many ranks as the run began with.
  void fill(Arranged& a) const {
    const Index records = Index(a.order.size());
    for (Index next = 0; next < records;) {
      for (Index tokens = 0, first = next; next < records; ++next) {
        tokens += size(a.order[std::size_t(next)]).tokens;
        if (next > first && tokens > rules_.tokens) break;
      }
      a.ends.push_back(next);
    }
    while (Index(a.ends.size()) % first_ranks() != 0) a.ends.push_back(records);
    if (first_ranks() == rules_.ranks) return;
    const std::vector<Index> filled = std::exchange(a.ends, {});
    Index begin = 0;
    for (std::size_t p = std::size_t(first_ranks()); p <= filled.size(); p += std::size_t(first_ranks()))
      deal(a, std::exchange(begin, filled[p - 1]), filled[p - 1]);
  }
};

}  // namespace vlt::data
