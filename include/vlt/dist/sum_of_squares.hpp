#pragma once
#include <array>
#include <span>
#include <vector>
#include <vlt/base/parallel.hpp>
#include <vlt/base/policy.hpp>

namespace vlt::dist {

// Sums squares in double. The numbers are cut into chunks of fixed size whose sums are added in order, so that the
// result does not depend on the number of threads.
template <Device D = Device::cpu> class SumOfSquares {
 public:
  explicit SumOfSquares(Index largest) : chunk_sum_(std::size_t((largest + chunk - 1) / chunk)) {}

  template <class T> double operator()(Threads& threads, std::span<const T> x) {
    const Index chunks = (Index(x.size()) + chunk - 1) / chunk;
    threads.ranges(chunks, 1, [&](Index begin, Index end) {
      for (Index c = begin; c < end; ++c)
        chunk_sum_[c] = sum(x.subspan(c * chunk, std::min<Index>(chunk, Index(x.size()) - c * chunk)));
    });
    double total = 0;
    for (Index c = 0; c < chunks; ++c) total += chunk_sum_[c];
    return total;
  }

 private:
  static constexpr Index chunk = 1 << 14;

  template <class T> static double sum(std::span<const T> x) {
    std::array<double, 16> lane{};  // independent sums: one addition need not wait for the one before
    std::size_t i = 0;
    for (; i + lane.size() <= x.size(); i += lane.size())
      for (std::size_t l = 0; l < lane.size(); ++l) lane[l] += double(x[i + l]) * double(x[i + l]);
    for (; i < x.size(); ++i) lane[0] += double(x[i]) * double(x[i]);
    double total = 0;
    for (double l : lane) total += l;
    return total;
  }
  std::vector<double> chunk_sum_;
};

}  // namespace vlt::dist
