#pragma once
#include <cmath>
#include <vlt/ops/elementwise.hpp>

namespace vlt::ops {

// One step of AdamW for elements that share a learning rate.
struct AdamWStep {
  double beta1 = 0.9, beta2 = 0.95, epsilon = 1e-8;
  double rate = 0, decay = 0;
  double clip = 1;   // what gradients are multiplied by first
  Index number = 1;  // of the step, from 1: moments are corrected by it
};

namespace reference {
template <class T, class A> void adamw(const AdamWStep& o, const A* g, A* w, A* m, A* v, T* compute, Index n) {
  const A b1 = A(o.beta1), b2 = A(o.beta2), c1 = A(1 - std::pow(o.beta1, double(o.number))),
          c2 = A(1 - std::pow(o.beta2, double(o.number)));
  for (Index i = 0; i < n; ++i) {
    const A gi = A(o.clip) * g[i];
    m[i] = b1 * m[i] + (1 - b1) * gi;
    v[i] = b2 * v[i] + (1 - b2) * gi * gi;
    w[i] -= A(o.rate) * (A(o.decay) * w[i] + (m[i] / c1) / (std::sqrt(v[i] / c2) + A(o.epsilon)));
    if (compute) compute[i] = T(w[i]);
  }
}
}  // namespace reference

namespace wide {
template <Device D, class T>
void adamw(const AdamWStep& o, const float* g, float* w, float* m, float* v, T* compute, Index n) {
  const float b1 = float(o.beta1), b2 = float(o.beta2), scale = float(o.clip), epsilon = float(o.epsilon),
              unbias_m = float(1 / (1 - std::pow(o.beta1, double(o.number)))),
              unbias_v = float(1 / (1 - std::pow(o.beta2, double(o.number)))), rate = float(o.rate),
              shrink = float(o.rate * o.decay), rest1 = float(1 - o.beta1), rest2 = float(1 - o.beta2);
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

// torch.optim.AdamW (Loshchilov, Hutter 2019), elementwise; epsilon is added after bias correction. All are (1, n):
// gradient, weights, both moments, and the compute copy, which is rounded from the weights. A compute copy without rows
// is none: somebody else packs it.
template <Device D, class T, class A>
void adamw(Scope& s, const AdamWStep& o, Matrix<A, D> g, Matrix<A, D> w, Matrix<A, D> m, Matrix<A, D> v,
           Matrix<T, D> compute) {
  static_assert(host_code<D>::ok);
  constexpr Index grain = 4096;  // elements: below it, waking a thread costs more than it saves
  const double n = double(w.cols);
  s.run("adamw", {17 * n, (7 * sizeof(A) + (compute.rows > 0 ? sizeof(T) : 0)) * n}, [&] {
    s.threads().ranges(w.cols, grain, [&](Index begin, Index end) {
      T* const copy = compute.rows > 0 ? compute.data + begin : nullptr;
      const Index count = end - begin;
      if constexpr (in_registers<A>)
        wide::adamw<D, T>(o, g.data + begin, w.data + begin, m.data + begin, v.data + begin, copy, count);
      else reference::adamw<T, A>(o, g.data + begin, w.data + begin, m.data + begin, v.data + begin, copy, count);
    });
  });
}

}  // namespace vlt::ops
