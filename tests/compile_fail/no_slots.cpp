// expected: vlt: an optimiser has 'std::vector<StateSlot> slots() const'
// An optimiser says what it remembers of each element.
#include <vlt/optim/parameter_store.hpp>
using namespace vlt;

struct Descent {
#ifndef MISTAKE
  std::vector<StateSlot> slots() const { return {}; }
#endif
  template <Precision F, Device D> void update(Scope& s, const ParameterUpdate<F, D>& p) const {
    s.run("descent", {}, [&] {
      for (Index i = 0; i < p.master.cols; ++i)
        p.master(0, i) -= typename roles_of<F>::master(p.rate) * p.gradient(0, i);
    });
  }
};

StoreLayout<Precision::f32, Device::cpu> layout(const Registry<Precision::f32, Device::cpu>& registry) {
  return StoreLayout<Precision::f32, Device::cpu>(registry, {}, Descent{});
}
