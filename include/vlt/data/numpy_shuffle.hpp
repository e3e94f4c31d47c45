#pragma once
#include <algorithm>
#include <numeric>
#include <random>
#include <vector>
#include <vlt/base/config.hpp>

namespace vlt::data {

// numpy's legacy random stream (RandomState(seed)): std::mt19937 is seeded in the same way. It exists so that a seed
// splits a data set as it did in programs built on numpy.
class NumpyRandom {
 public:
  explicit NumpyRandom(std::uint32_t seed) : engine_(seed) {}

  // A permutation of 0..n-1: Fisher and Yates from the end, each draw masked to the next power of two and rejected
  // while it is too large.
  std::vector<Index> permutation(Index n) {
    std::vector<Index> a(std::size_t(std::max<Index>(n, 0)));
    std::iota(a.begin(), a.end(), Index(0));
    for (std::size_t i = a.size(); i-- > 1;) std::swap(a[i], a[below(std::uint32_t(i))]);
    return a;
  }
  // k of 0..n-1 without replacement, in the order drawn.
  std::vector<Index> choice(Index n, Index k) {
    std::vector<Index> a = permutation(n);
    a.resize(std::size_t(std::min(n, k)));
    return a;
  }

 private:
  std::mt19937 engine_;

  std::size_t below(std::uint32_t largest) {  // at most `largest`
    std::uint32_t mask = largest;
    for (int shift = 1; shift < 32; shift *= 2) mask |= mask >> shift;
    for (;;)
      if (const std::uint32_t v = std::uint32_t(engine_()) & mask; v <= largest) return v;
  }
};

}  // namespace vlt::data
