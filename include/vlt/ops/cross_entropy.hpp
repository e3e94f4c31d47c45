#pragma once
#include <cmath>
#include <span>
#include <vlt/ops/elementwise.hpp>

namespace vlt::ops {

// Per row of logits (rows, vocabulary):  row_loss = -log softmax(logits)[target]  and, unless that span is empty,
// row_correct = 1 where the largest logit is the target's.  dlogits = scale (softmax(logits) - onehot(target)); it may
// be a narrower type, may be the logits themselves, or be left out (cols = 0).
template <class A, class T>
void softmax_cross_entropy(Scope& s, CpuMatrix<A> logits, std::span<const Index> target, double scale,
                           CpuMatrix<T> dlogits, std::span<double> row_loss, std::span<std::uint8_t> row_correct) {
  s.run("softmax_cross_entropy", element_cost(logits, 6, 2), [&] {
    for (Index r = 0; r < logits.rows; ++r) {
      Index best = 0;
      for (Index c = 1; c < logits.cols; ++c)
        if (logits(r, c) > logits(r, best)) best = c;
      const A top = logits(r, best);
      A sum = 0;
      for (Index c = 0; c < logits.cols; ++c) sum += std::exp(logits(r, c) - top);
      row_loss[r] = double(top + std::log(sum) - logits(r, target[r]));
      if (!row_correct.empty()) row_correct[r] = best == target[r];
      if (dlogits.cols == 0) continue;
      for (Index c = 0; c < logits.cols; ++c)
        dlogits(r, c) = T(A(scale) * (std::exp(logits(r, c) - top) / sum - (c == target[r] ? A(1) : A(0))));
    }
  });
}

}  // namespace vlt::ops
