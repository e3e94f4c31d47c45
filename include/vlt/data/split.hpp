#pragma once
#include <cmath>
#include <optional>
#include <vlt/base/error.hpp>
#include <vlt/data/numpy_shuffle.hpp>

namespace vlt::data {

// Which records train and which evaluate, as positions in the joined data sets.
struct Split {
  std::vector<Index> train, eval;
  Index not_selected = 0;
};

// Draws from each data set (none: all of it), joins them, shuffles, and takes the first floor(n * ratio) for training.
// sizes: records of each data set. The draws of all data sets come from one stream, the shuffle from a fresh one.
inline Split split_records(const std::vector<Index>& sizes, const std::vector<std::optional<Index>>& samples,
                           double train_ratio, std::uint32_t seed) {
  require(samples.size() == sizes.size(), "split_records: one number of samples for each data set");
  require(train_ratio >= 0 && train_ratio <= 1, "split_records: a ratio lies between 0 and 1");
  NumpyRandom draws(seed);
  std::vector<Index> joined;
  Index first = 0;
  for (std::size_t d = 0; d < sizes.size(); ++d) {
    if (samples[d])
      for (const Index i : draws.choice(sizes[d], *samples[d])) joined.push_back(first + i);
    else
      for (Index i = 0; i < sizes[d]; ++i) joined.push_back(first + i);
    first += sizes[d];
  }
  const auto n = Index(joined.size());
  const auto training = Index(double(n) * train_ratio);
  Split split;
  split.not_selected = first - n;
  for (const Index at : NumpyRandom(seed).permutation(n))
    (Index(split.train.size()) < training ? split.train : split.eval).push_back(joined[std::size_t(at)]);
  return split;
}

}  // namespace vlt::data
