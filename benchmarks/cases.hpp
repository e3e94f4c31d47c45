#pragma once
#include <vlt/tensor/buffer.hpp>
#include <vlt/tensor/scope.hpp>
#include <vlt/testing/bench_layer.hpp>
#include "bench.hpp"

// The kinds of things that are measured: an operation on a Scope, and a pass of a layer.
namespace bench {

template <class T> using Memory = vlt::Buffer<T, vlt::Device::cpu>;

template <class T> Memory<T> numbers(vlt::Index n) {
  Memory<T> b(n);
  for (vlt::Index i = 0; i < n; ++i) b.data()[i] = T(float(i * 2654435761u % 1000) * 0.002f - 1);
  return b;
}

// What the number types are called in the names of benchmarks.
template <class T> inline constexpr const char* type_name = sizeof(T) == 2 ? "bf16" : "float";

// Operations of a Scope, in the memory that planning them says they need; they say themselves what they cost.
class ScopeCase : public Case {
 public:
  // `owned`: whatever the operations read and write.
  ScopeCase(std::function<void(vlt::Scope&)> operations, std::shared_ptr<void> owned = {})
      : operations_(std::move(operations)), owned_(std::move(owned)), stopwatch_(team()) {
    vlt::Arena plan;
    vlt::Scope s(plan, team());
    operations_(s);
    flops = s.total().flops, bytes = s.total().bytes;
    work_ = Memory<std::byte>(vlt::Index(plan.peak()));
  }
  Elapsed run() override {
    vlt::Arena arena(work_);
    vlt::Scope s(arena, team());
    return stopwatch_.time([&] { operations_(s); });
  }

 private:
  std::function<void(vlt::Scope&)> operations_;
  std::shared_ptr<void> owned_;
  Memory<std::byte> work_;
  vlt::testing::Stopwatch stopwatch_;
};

// One pass of a layer; the other one runs too, but its time does not count.
template <vlt::IsPolicy P, class L> class LayerCase : public Case {
 public:
  // `hidden_flops`: of a forward pass, what the layer counts and a mask hides.
  LayerCase(L layer, const vlt::Segments& batch, vlt::Index width, vlt::Pass pass, double hidden_flops)
      : layer_(std::move(layer)), batch_(batch), bench_(layer_, {batch_.rows(), width}, batch_, team()), pass_(pass) {
    const bool forward = pass == vlt::Pass::forward;
    const vlt::Cost cost = forward ? bench_.forward_cost() : bench_.backward_cost();
    flops = cost.flops - hidden_flops * (forward ? 1 : 2.5), bytes = cost.bytes;
  }
  Elapsed run() override {
    const auto passes = bench_.run();
    return pass_ == vlt::Pass::forward ? passes.forward : passes.backward;
  }

 private:
  L layer_;
  vlt::Segments batch_;
  vlt::testing::LayerBench<P, L> bench_;
  vlt::Pass pass_;
};

}  // namespace bench
