#pragma once
#include <cmath>
#include <span>
#include <vlt/ops/elementwise.hpp>

namespace vlt::ops {

// Turns logits (rows, vocabulary) into the gradient of scale * sum of -log softmax(logits)[target], and adds that sum
// to `loss`. dlogits = scale (softmax(logits) - onehot(target)); it may be a narrower type, or be left out (cols = 0).
template <class A, class T>
void softmax_cross_entropy(Scope& s, CpuMatrix<A> logits, std::span<const Index> target, double scale,
                           CpuMatrix<T> dlogits, double& loss) {
  s.run("softmax_cross_entropy", element_cost(logits, 6, 2), [&] {
    for (Index r = 0; r < logits.rows; ++r) {
      A top = -INFINITY, sum = 0;
      for (Index c = 0; c < logits.cols; ++c) top = std::max(top, logits(r, c));
      for (Index c = 0; c < logits.cols; ++c) sum += std::exp(logits(r, c) - top);
      loss += scale * double(top + std::log(sum) - logits(r, target[r]));
      if (dlogits.cols == 0) continue;
      for (Index c = 0; c < logits.cols; ++c)
        dlogits(r, c) = T(A(scale) * (std::exp(logits(r, c) - top) / sum - (c == target[r] ? A(1) : A(0))));
    }
  });
}

}  // namespace vlt::ops
