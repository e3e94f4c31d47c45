#pragma once
#include <deque>
#include <span>
#include <string>
#include <vector>
#include <vlt/dist/zero.hpp>
#include "../device.hpp"

namespace vlt {

// A tensor by itself; one of a single row is a vector, which does not decay.
struct LooseTensor {
  Index rows = 0, cols = 0;
  std::vector<float> values;
};

// Tensors without layers around them, trained as the programs train: gradients are clipped by the norm of all of them,
// then the optimiser makes a step. Every tensor is a unit of its own.
class OptimizerRun {
 public:
  using P = Policy<under_test, Precision::f32>;

  OptimizerRun(const std::vector<LooseTensor>& start, AnyOptimizer<P::precision, P::device> optimizer, double max_norm)
      : max_norm_(max_norm), store_(registry(start), {}, std::move(optimizer)), memory_(Index(work_bytes())) {
    for (std::size_t i = 0; i < start.size(); ++i) store_.write(int(i), 0, start[i].values);
  }

  // gradient(i): the values for tensor i, row-major; rates: one for each tensor. Returns the norm before clipping.
  template <class Gradient> double step(Gradient&& gradient, std::span<const double> rates) {
    for (std::size_t i = 0; i < params_.size(); ++i) {
      const std::span<const float> g = gradient(i);
      require(Index(g.size()) == params_[i].grad.size(), "a gradient has the size of its tensor");
      set_values(params_[i].grad, g);
    }
    Arena arena(memory_);
    Scope s(arena, threads_);
    return zero_.step(s, rates, max_norm_);
  }
  std::vector<float> values(std::size_t i) const {
    std::vector<float> v(std::size_t(params_[i].value.size()));
    store_.read(int(i), 0, v);
    return v;
  }

 private:
  double max_norm_;
  std::deque<param_t<P>> params_;
  store_t<P> store_;
  dist::Single single_;
  Threads threads_{1};
  dist::Zero<P::precision, P::device> zero_{store_, single_};
  Buffer<std::byte, P::device> memory_;

  std::size_t work_bytes() {
    Arena plan;
    Scope s(plan, threads_);
    zero_.step(s, {}, max_norm_);
    return plan.peak();
  }
  registry_t<P> registry(const std::vector<LooseTensor>& start) {
    registry_t<P> r;
    r.units = int(start.size()), r.component = ComponentKind::projector;
    for (const LooseTensor& t : start) {
      params_.emplace_back(Shape{t.rows, t.cols}, t.rows == 1 ? Role::vector : Role::matrix);
      r.unit = int(params_.size()) - 1;
      r.add(params_.back(), {{std::to_string(r.unit), 0, t.rows}});
    }
    return r;
  }
};

}  // namespace vlt
