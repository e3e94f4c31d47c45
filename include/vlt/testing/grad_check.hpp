#pragma once
#include <cstdio>
#include <cstring>
#include <deque>
#include <limits>
#include <vlt/nn/layer.hpp>
#include <vlt/nn/registry.hpp>
#include <vlt/testing/differences.hpp>

namespace vlt::testing {

// Gives every parameter of a layer memory and random, non-neutral values. For layers tested alone, without a
// ParameterStore.
template <Precision F> class LooseParameters {
 public:
  using roles = roles_of<F>;
  explicit LooseParameters(Registry<F>& registry, unsigned seed = 1, double scale = 0.4) {
    std::mt19937 rng(seed);
    std::normal_distribution<double> normal;
    for (auto& p : registry.params) {
      auto& v = values_.emplace_back(p.value->size());
      for (auto& x : v)
        x = typename roles::operand(typename roles::master(scale * normal(rng) + (p.decay ? 0.0 : 0.7)));
      p.value->data = v.data();
      if (p.grad) p.grad->data = grads_.emplace_back(p.value->size()).data();
    }
  }

 private:
  std::deque<std::vector<typename roles::operand>> values_;
  std::deque<std::vector<typename roles::grad>> grads_;
};

struct GradCheckOptions {
  double tolerance = 1e-8;
  std::vector<std::string> may_be_flat = {};  // e.g. a key bias: softmax does not see it
};

// Checks one layer in double: gradients against differences, and everything the Layer contract promises about memory
// and accumulation. Prints one line; returns true if all of it holds.
template <class L> class GradCheck {
 public:
  using in = typename L::in;
  using out = typename L::out;

  GradCheck(L& layer, Shape shape, const Segments& batch, GradCheckOptions options = {})
      : layer_(layer), options_(std::move(options)), parameters_((collect(layer, registry_, ""), registry_)) {
    const Shape y = layer.out_shape(shape);
    x_ = matrix<in>(shape, batch, 0.8), y_ = matrix<out>(y, batch, 0), dy_ = matrix<out>(y, batch, 0.6),
    dx_ = matrix<in>(shape, batch, 0);
  }

  bool run(const char* title) {
    plan();
    const Result base = step({.dx = nan, .grad = 0});
    expect(same(base, step({.dx = nan, .grad = 0})), "a second run gives other numbers");
    expect(base.peak == planned_.peak, "measured arena peak differs from the plan");
    expect(base.cost == planned_.cost, "measured cost differs from the plan");
    if (planned_.peak) expect(throws_without(Arena::granule), "runs in less memory than planned");
    const Result over = step({.dx = 0.7, .grad = 1.3});
    expect(over.dx == base.dx, "dx is not overwritten");
    expect(close(over.grad, base.grad, 1.3), "parameter gradients do not accumulate");
    const Result added = step({.beta = 1, .dx = 0.7, .grad = 0});
    expect(close(added.dx, base.dx, 0.7), "dx does not accumulate");
    expect(added.grad == base.grad, "parameter gradients depend on what happens to dx");
    expect(step({.want_dx = false, .dx = 0.7, .grad = 0}).grad == base.grad,
           "parameter gradients change under Discard");
    expect(inferred() == base.y, "infer() and forward() differ");

    std::vector<Tensor> tensors{{"x", x_.data, base.dx.data(), x_.size()}};
    const double* g = base.grad.data();
    for (auto& p : registry_.params)
      if (p.trains()) tensors.push_back({p.name(), p.value->data, g, p.value->size()}), g += p.value->size();
    const Agreement a = compare_with_differences(tensors, [&] { return loss(); });
    expect(a.worst <= options_.tolerance, "gradient of " + a.where + " is wrong");
    for (const auto& name : a.flat)
      expect(std::count(options_.may_be_flat.begin(), options_.may_be_flat.end(), name), "derivative is zero: " + name);
    std::printf("%s %-46s %2zu tensors, derivatives up to %.2g, off by %.1e, %zu bytes%s\n",
                faults_.empty() ? "ok  " : "FAIL", title, tensors.size(), a.largest, a.worst, planned_.peak,
                faults_.c_str());
    return faults_.empty();
  }

 private:
  static constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  struct Fill {
    double beta = 0;
    bool want_dx = true;
    double dx = 0, grad = 0;
  };
  struct Result {
    std::vector<double> y, dx, grad;
    std::size_t peak = 0;
    Cost cost;
  };
  static bool same(const Result& a, const Result& b) { return a.y == b.y && a.dx == b.dx && a.grad == b.grad; }
  static double pattern(std::size_t i) { return std::sin(0.7 * double(i) + 0.3); }
  static bool close(const std::vector<double>& filled, const std::vector<double>& base, double scale) {
    for (std::size_t i = 0; i < base.size(); ++i)
      if (!(std::abs(filled[i] - base[i] - scale * pattern(i)) <= 1e-12 * (1 + std::abs(base[i])))) return false;
    return true;
  }
  void expect(bool ok, const std::string& fault) {
    if (!ok) faults_ += "\n       " + fault;
  }

  template <class M> M matrix(Shape shape, const Segments& batch, double scale) {
    auto& v = storage_.emplace_back(shape.size());
    std::normal_distribution<double> normal;
    for (auto& e : v) e = scale * normal(rng_);
    M m;
    m.data = v.data(), m.rows = shape.rows, m.cols = m.stride = shape.cols, m.segments = &batch;
    return m;
  }
  void plan() {
    Arena arena;
    Scope s(arena);
    pass(s, Fill{});
    planned_.peak = arena.peak(), planned_.cost = s.total();
    memory_.resize(planned_.peak / sizeof(double) + 1);
  }
  void pass(Scope& s, Fill f) {
    typename L::saved k;
    layer_.forward(s, x_, y_, k);
    const auto between = s.arena().mark();
    if (f.want_dx) layer_.backward(s, dy_, Grad<in>{dx_, f.beta}, k);
    else layer_.backward(s, dy_, Discard{}, k);
    const auto after = s.arena().mark();
    expect(between.temp == 0 && after.temp == 0 && after.keep <= between.keep, "memory is not given back");
  }
  Arena poisoned(std::size_t bytes) {
    std::fill(memory_.begin(), memory_.end(), nan);
    std::fill_n(y_.data, y_.size(), nan);
    return Arena(reinterpret_cast<std::byte*>(memory_.data()), bytes);
  }
  Result step(Fill f) {
    Arena arena = poisoned(planned_.peak);
    Scope s(arena);
    std::size_t at = 0;
    for (Index i = 0; i < dx_.size(); ++i) dx_.data[i] = f.dx * pattern(i);
    for (auto& p : registry_.params)
      if (p.trains())
        for (Index i = 0; i < p.grad->size(); ++i) p.grad->data[i] = f.grad * pattern(at++);
    const auto x = values(x_), dy = values(dy_);
    pass(s, f);
    expect(values(x_) == x && values(dy_) == dy, "x or dy was changed");
    Result r{values(y_), values(dx_), {}, arena.peak(), s.total()};
    for (auto& p : registry_.params)
      if (p.trains()) r.grad.insert(r.grad.end(), p.grad->data, p.grad->data + p.grad->size());
    return r;
  }
  bool throws_without(std::size_t bytes) {
    Arena arena = poisoned(planned_.peak - bytes);
    Scope s(arena);
    try {
      pass(s, Fill{});
    } catch (const std::bad_alloc&) { return true; }
    return false;
  }
  std::vector<double> inferred() {
    Arena arena = poisoned(planned_.peak);
    Scope s(arena);
    infer(s, layer_, x_, y_);
    return values(y_);
  }
  double loss() {
    Arena arena(reinterpret_cast<std::byte*>(memory_.data()), planned_.peak);
    Scope s(arena);
    typename L::saved k;
    layer_.forward(s, x_, y_, k);
    double sum = 0;
    for (Index i = 0; i < y_.size(); ++i) sum += y_.data[i] * dy_.data[i];
    return sum;
  }
  template <class M> static std::vector<double> values(M m) { return {m.data, m.data + m.size()}; }

  L& layer_;
  GradCheckOptions options_;
  Registry<Precision::f64> registry_;
  LooseParameters<Precision::f64> parameters_;
  std::deque<std::vector<double>> storage_;
  std::vector<double> memory_;
  std::mt19937 rng_{3};
  in x_, dx_;
  out y_, dy_;
  Result planned_;
  std::string faults_;
};

template <class L>
bool check_gradients(const char* title, L& layer, Shape shape, const Segments& batch, GradCheckOptions options = {}) {
  return GradCheck<L>(layer, shape, batch, std::move(options)).run(title);
}

}  // namespace vlt::testing
