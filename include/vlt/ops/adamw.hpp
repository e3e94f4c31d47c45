#pragma once
#include <cmath>
#include <vlt/ops/elementwise.hpp>

namespace vlt {

struct AdamW {
  double learning_rate = 1e-3, beta1 = 0.9, beta2 = 0.95, epsilon = 1e-8, weight_decay = 0;
};

}  // namespace vlt

namespace vlt::ops {

// torch.optim.AdamW (Loshchilov, Hutter 2019), elementwise; epsilon is added after bias correction. The compute copy is
// rounded from w, unless there is none. g is scaled by `clip` first. step counts from 1.
template <class T, class A>
void adamw(const AdamW& o, long step, double clip, double decay, const A* g, A* w, A* m, A* v, T* compute, Index n) {
  const A b1 = A(o.beta1), b2 = A(o.beta2), c1 = A(1 - std::pow(o.beta1, double(step))),
          c2 = A(1 - std::pow(o.beta2, double(step)));
  for (Index i = 0; i < n; ++i) {
    const A gi = A(clip) * g[i];
    m[i] = b1 * m[i] + (1 - b1) * gi;
    v[i] = b2 * v[i] + (1 - b2) * gi * gi;
    w[i] -= A(o.learning_rate) * (A(decay) * w[i] + (m[i] / c1) / (std::sqrt(v[i] / c2) + A(o.epsilon)));
    if (compute) compute[i] = T(w[i]);
  }
}

}  // namespace vlt::ops
