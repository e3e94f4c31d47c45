#pragma once
#include <vlt/ops/adamw.hpp>
#include <vlt/optim/optimizer.hpp>

namespace vlt {

// AdamW (Loshchilov, Hutter 2019), as torch.optim.AdamW does it. Learning rates come with each step.
struct AdamW {
  double beta1 = 0.9, beta2 = 0.95, epsilon = 1e-8, weight_decay = 0;

  std::vector<StateSlot> slots() const { return {{"exp_avg"}, {"exp_avg_sq"}}; }
  template <Precision F, Device D> void update(Scope& s, const ParameterUpdate<F, D>& p) const {
    const ops::AdamWStep step{beta1, beta2, epsilon, p.rate, p.decays ? weight_decay : 0.0, p.clip, p.number};
    ops::adamw(s, step, p.gradient, p.master, p.slot(0), p.slot(1), p.compute);
  }
};

}  // namespace vlt
