#pragma once
#include <cmath>
#include <vlt/ops/elementwise.hpp>

namespace vlt {

struct AdamW {
  double learning_rate = 1e-3, beta1 = 0.9, beta2 = 0.95, epsilon = 1e-8, weight_decay = 0;
};

}  // namespace vlt

namespace vlt::ops {

namespace reference {
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
}  // namespace reference

namespace wide {
template <Device D, class T>
void adamw(const AdamW& o, long step, double clip, double decay, const float* g, float* w, float* m, float* v,
           T* compute, Index n) {
  const float b1 = float(o.beta1), b2 = float(o.beta2), scale = float(clip), epsilon = float(o.epsilon),
              unbias_m = float(1 / (1 - std::pow(o.beta1, double(step)))),
              unbias_v = float(1 / (1 - std::pow(o.beta2, double(step)))), rate = float(o.learning_rate),
              shrink = float(o.learning_rate * decay), rest1 = float(1 - o.beta1), rest2 = float(1 - o.beta2);
  cpu::for_each_register<D>(n, [&](Index i, auto count) {
    const auto gi = cpu::load<D>(g + i, count) * scale;
    const auto mi = cpu::Floats<D>(cpu::load<D>(m + i, count) * b1 + gi * rest1),
               vi = cpu::Floats<D>(cpu::load<D>(v + i, count) * b2 + gi * gi * rest2);
    const auto old = cpu::load<D>(w + i, count);
    const auto direction = cpu::Floats<D>(mi * unbias_m / (cpu::square_root<D>(vi * unbias_v) + epsilon));
    const auto wi = cpu::Floats<D>(old - shrink * old - rate * direction);
    cpu::store<D>(m + i, mi, count), cpu::store<D>(v + i, vi, count), cpu::store<D>(w + i, wi, count);
    if (compute) cpu::store<D>(compute + i, wi, count);
  });
}
}  // namespace wide

// torch.optim.AdamW (Loshchilov, Hutter 2019), elementwise; epsilon is added after bias correction. g is scaled by
// `clip` first; step counts from 1. The compute copy is rounded from w; null where somebody else packs it.
template <class T, class A>
void adamw(const AdamW& o, long step, double clip, double decay, const A* g, A* w, A* m, A* v, T* compute, Index n) {
  if constexpr (in_registers<A>) wide::adamw<Device::cpu>(o, step, clip, decay, g, w, m, v, compute, n);
  else reference::adamw(o, step, clip, decay, g, w, m, v, compute, n);
}

}  // namespace vlt::ops
