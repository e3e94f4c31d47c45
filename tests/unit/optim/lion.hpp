#pragma once
#include <vlt/optim/optimizer.hpp>

namespace vlt {

// quote: lion
// Lion (Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms", algorithm 2): every element moves by the
// rate, in the direction of the sign of an average of its gradients.
struct Lion {
  double beta1 = 0.9, beta2 = 0.99, weight_decay = 0;
  StateType average = StateType::master;

  std::vector<StateSlot> slots() const { return {{"exp_avg", average}}; }

  template <Precision F, Device D> void update(Scope& s, const ParameterUpdate<F, D>& p) const {
    if (average == StateType::bf16) advance(s, p, p.template slot<bf16>(0));
    else advance(s, p, p.slot(0));
  }

  template <Precision F, Device D, class M>
  void advance(Scope& s, const ParameterUpdate<F, D>& p, Matrix<M, D> m) const {
    static_assert(host_code<D>::ok);
    using Real = typename ParameterUpdate<F, D>::master_t;
    using Operand = typename ParameterUpdate<F, D>::operand;
    const Real b1 = Real(beta1), b2 = Real(beta2), rate = Real(p.rate), clip = Real(p.clip),
               decay = Real(p.decays ? weight_decay : 0.0);
    const double n = double(p.master.cols);
    s.run("lion", {12 * n, (3 * sizeof(Real) + 2 * sizeof(M) + sizeof(Operand)) * n}, [&] {
      s.threads().ranges(p.master.cols, 4096, [&](Index begin, Index end) {
        for (Index i = begin; i < end; ++i) {
          const Real g = clip * p.gradient(0, i), old = Real(m(0, i)), c = b1 * old + (1 - b1) * g;
          Real& w = p.master(0, i);
          w -= rate * (Real((c > 0) - (c < 0)) + decay * w);
          m(0, i) = M(b2 * old + (1 - b2) * g);
          if (p.compute.rows > 0) p.compute(0, i) = Operand(w);
        }
      });
    });
  }
};
// end of quote

}  // namespace vlt
