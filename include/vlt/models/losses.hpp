#pragma once
#include <numeric>
#include <vector>
#include <vlt/tensor/buffer.hpp>
#include <vlt/tensor/matrix.hpp>

namespace vlt {

// What passes over supervised tokens added up: losses (scaled) per group, and, if asked, how often the likeliest token
// was the right one.
struct LossSums {
  std::vector<double> by_group;
  Index correct = 0;

  double total() const { return std::accumulate(by_group.begin(), by_group.end(), 0.0); }
};

// The memory of the device in which passes add up losses. The host reads it once, when it needs to know.
template <Device D> class LossAccumulator {
 public:
  explicit LossAccumulator(Index groups = 1, bool count_correct = false)
      : memory_(groups + 1), count_correct_(count_correct) {}

  Index groups() const { return memory_.size() - 1; }
  bool counts_correct() const { return count_correct_; }
  // (1, groups + 1): the losses of each group, then the number of tokens predicted exactly
  Matrix<double, D> sums() const { return {memory_.address(), 1, memory_.size(), memory_.size()}; }

  void clear() { memory_.zero(); }
  void read(LossSums& to) const {
    double correct = 0;
    to.by_group.resize(std::size_t(groups()));
    memory_.copy_to_host(to.by_group);
    memory_.copy_to_host({&correct, 1}, groups());
    to.correct = Index(correct);
  }
  LossSums read() const {
    LossSums sums;
    read(sums);
    return sums;
  }

 private:
  Buffer<double, D> memory_;
  bool count_correct_;
};

}  // namespace vlt
