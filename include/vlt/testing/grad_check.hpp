#pragma once
#include <cstdio>
#include <limits>
#include <vlt/nn/layer.hpp>
#include <vlt/ops/double_precision.hpp>
#include <vlt/testing/differences.hpp>
#include <vlt/testing/loose_parameters.hpp>

namespace vlt::testing {

struct GradCheckOptions {
  double tolerance = 1e-8;                    // relative to the derivative, or to 1 where that is smaller
  std::vector<std::string> may_be_flat = {};  // e.g. a key bias: softmax does not see it
};

// What a gradient check found. No faults: every promise of the Layer contract holds.
struct GradReport {
  std::vector<std::string> faults;
  std::size_t tensors = 0, bytes = 0;  // compared with differences; arena peak of forward and backward
  double largest = 0, worst = 0;       // derivative; difference from it, relative

  bool ok() const { return faults.empty(); }
  std::string text() const {
    char line[160];
    std::snprintf(line, sizeof line, "%zu tensors, derivatives up to %.2g, off by %.1e, %zu bytes", tensors, largest,
                  worst, bytes);
    std::string all = line;
    for (const auto& f : faults) all += "\n  " + f;
    return all;
  }
};

// Checks one layer in double: gradients against differences, and everything the Layer contract promises about memory,
// accumulation and threads.
template <class L> class GradCheck {
 public:
  using in = typename L::in;
  using out = typename L::out;

  // shape: of x, whose rows belong to `batch`. The layer's parameters get memory and random values here. Activations
  // have rows farther apart than they are wide: what lies between must be neither read nor written.
  GradCheck(L& layer, Shape shape, const Segments& batch, GradCheckOptions options = {})
      : layer_(layer), options_(std::move(options)), parameters_((collect(layer, registry_, ""), registry_)) {
    const Shape y = layer.out_shape(shape);
    x_ = matrix<in>(shape, batch, 0.8), y_ = matrix<out>(y, batch, 0), dy_ = matrix<out>(y, batch, 0.6),
    dx_ = matrix<in>(shape, batch, 0);
    x_values_ = values(x_);
  }

  GradReport run() {
    const Result base = check_promises();
    std::vector<Tensor> tensors{{"x", x_values_.data(), base.dx.data(), x_.size()}};
    const double* g = base.grad.data();
    for (auto& p : registry_.params)
      if (p.trains()) tensors.push_back({p.name(), p.value->data, g, p.value->size()}), g += p.value->size();
    const Agreement a = compare_with_differences(tensors, [&] { return loss(); });
    expect(a.worst <= options_.tolerance, "gradient of " + a.where + " is wrong");
    for (const auto& name : a.flat)
      expect(std::count(options_.may_be_flat.begin(), options_.may_be_flat.end(), name), "derivative is zero: " + name);
    report_.tensors = tensors.size(), report_.bytes = base.peak;
    report_.largest = a.largest, report_.worst = a.worst;
    return report_;
  }

 private:
  static constexpr Device D = in::device;
  static_assert(host_code<D>::ok);
  using View = Matrix<double, D>;
  using Memory = Buffer<std::byte, D>;
  static constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  static constexpr std::byte byte_of_nan{0xff};  // eight of them are one
  static constexpr Index gap = 3;                // elements between the end of a row and the next
  static constexpr double between_rows = 1e30;
  struct Fill {  // what is in dx and in the parameters' gradients beforehand, and what is asked for
    double beta = 0;
    bool want_dx = true;
    double dx = 0, grad = 0;
  };
  struct Result {
    std::vector<double> y, dx, grad;
    std::size_t peak = 0;
    Cost cost;
  };

  Result check_promises() {
    const Result planned = plan();
    const Result base = step({.dx = nan, .grad = 0});
    expect(same(base, step({.dx = nan, .grad = 0})), "a second run gives other numbers");
    expect(base.peak == planned.peak, "measured arena peak differs from the plan");
    expect(base.cost == planned.cost, "measured cost differs from the plan");
    if (planned.peak) expect(throws_without(Arena::granule), "runs in less memory than planned");
    const Result over = step({.dx = 0.7, .grad = 1.3});
    expect(over.dx == base.dx, "dx is not overwritten");
    expect(close(over.grad, base.grad, 1.3), "parameter gradients do not accumulate");
    const Result added = step({.beta = 1, .dx = 0.7, .grad = 0});
    expect(close(added.dx, base.dx, 0.7), "dx does not accumulate");
    expect(added.grad == base.grad, "parameter gradients depend on what happens to dx");
    expect(step({.want_dx = false, .dx = 0.7, .grad = 0}).grad == base.grad,
           "parameter gradients change under Discard");
    expect(inferred() == base.y, "infer() and forward() differ");
    team_ = &three_;
    plan();
    expect(same(base, step({.dx = nan, .grad = 0})), "three threads give other numbers than one");
    team_ = &one_;
    plan();
    return base;
  }

  static bool same(const Result& a, const Result& b) { return a.y == b.y && a.dx == b.dx && a.grad == b.grad; }
  static double pattern(std::size_t i) { return std::sin(0.7 * double(i) + 0.3); }
  static bool close(const std::vector<double>& filled, const std::vector<double>& base, double scale) {
    for (std::size_t i = 0; i < base.size(); ++i)
      if (!(std::abs(filled[i] - base[i] - scale * pattern(i)) <= 1e-12 * (1 + std::abs(base[i])))) return false;
    return true;
  }
  void expect(bool ok, const std::string& fault) {
    if (!ok) report_.faults.push_back(fault);
  }

  template <class M> M matrix(Shape shape, const Segments& batch, double scale) {
    const Index stride = shape.cols + gap;
    auto& v = storage_.emplace_back(std::size_t(shape.rows * stride), between_rows);
    std::normal_distribution<double> normal;
    M m = borrow_host<M>(v.data(), shape.rows, shape.cols, stride);
    m.segments = batch;
    for_each(m, [&](double& e, std::size_t) { e = scale * normal(rng_); });
    return m;
  }
  template <class M, class F> static void for_each(M m, F&& f) {
    for (Index r = 0; r < m.rows; ++r)
      for (Index c = 0; c < m.cols; ++c) f(m.data[r * m.stride + c], std::size_t(r * m.cols + c));
  }
  template <class M> static std::vector<double> values(M m) {
    std::vector<double> v(std::size_t(m.size()));
    for_each(m, [&](double e, std::size_t i) { v[i] = e; });
    return v;
  }
  bool gaps_are_whole() const {
    for (const auto& m : {View(x_), View(y_), View(dy_), View(dx_)})
      for (Index r = 0; r < m.rows; ++r)
        for (Index c = m.cols; c < m.stride; ++c)
          if (m.data[r * m.stride + c] != between_rows) return false;
    return true;
  }
  Result plan() {
    Arena arena;
    Scope s(arena, *team_);
    pass(s, Fill{});
    bytes_ = arena.peak();
    memory_ = Memory(Index(bytes_));
    return {{}, {}, {}, bytes_, s.total()};
  }
  void pass(Scope& s, Fill f) {
    typename L::saved k;
    layer_.forward(s, x_, y_, k);
    const auto between = s.arena().mark();
    forget_all_but(between.keep);
    if (f.want_dx) layer_.backward(s, dy_, Grad<in>{dx_, f.beta}, k);
    else layer_.backward(s, dy_, Discard{}, k);
    const auto after = s.arena().mark();
    expect(between.temp == 0 && after.temp == 0 && after.keep <= between.keep, "memory is not given back");
  }
  // Between the passes only what was kept may survive.
  void forget_all_but(std::size_t kept) {
    if (const Index begin = Index(kept); begin < memory_.size())
      std::ranges::fill(memory_.part(begin, memory_.size() - begin), byte_of_nan);
  }
  Arena poisoned(std::size_t bytes) {
    forget_all_but(0);
    for_each(y_, [](double& e, std::size_t) { e = nan; });
    return Arena(memory_, bytes);
  }
  Result step(Fill f) {
    Arena arena = poisoned(bytes_);
    Scope s(arena, *team_);
    std::size_t at = 0;
    for_each(dx_, [&](double& e, std::size_t i) { e = f.dx * pattern(i); });
    for (auto& p : registry_.params)
      if (p.trains())
        for (Index i = 0; i < p.grad->size(); ++i) p.grad->data[i] = f.grad * pattern(at++);
    const auto x = values(x_), dy = values(dy_);
    pass(s, f);
    expect(values(x_) == x && values(dy_) == dy, "x or dy was changed");
    expect(gaps_are_whole(), "something was written between the rows of x, y, dy or dx");
    Result r{values(y_), values(dx_), {}, arena.peak(), s.total()};
    for (auto& p : registry_.params) {
      if (!p.trains()) continue;
      const double* const g = p.grad->data;
      r.grad.insert(r.grad.end(), g, g + p.grad->size());
    }
    return r;
  }
  bool throws_without(std::size_t bytes) {
    Arena arena = poisoned(bytes_ - bytes);
    Scope s(arena, *team_);
    try {
      pass(s, Fill{});
    } catch (const std::bad_alloc&) { return true; }
    return false;
  }
  std::vector<double> inferred() {
    Arena arena = poisoned(bytes_);
    Scope s(arena, *team_);
    infer(s, layer_, x_, y_);
    return values(y_);
  }
  double loss() {
    Arena arena(memory_);
    Scope s(arena, *team_);
    typename L::saved k;
    for_each(x_, [&](double& e, std::size_t i) { e = x_values_[i]; });
    layer_.forward(s, x_, y_, k);
    double sum = 0;
    for_each(y_, [&](double e, std::size_t i) {
      sum += e * dy_.data[Index(i) / y_.cols * dy_.stride + Index(i) % y_.cols];
    });
    return sum;
  }

  L& layer_;
  GradCheckOptions options_;
  Registry<Precision::f64, D> registry_;
  LooseParameters<Precision::f64, D> parameters_;
  std::deque<std::vector<double>> storage_;
  Memory memory_;
  std::vector<double> x_values_;
  std::size_t bytes_ = 0;
  std::mt19937 rng_{3};
  Threads one_{1}, three_{3};
  Threads* team_ = &one_;
  in x_, dx_;
  out y_, dy_;
  GradReport report_;
};

// Checks `layer` on an input of this shape. The layer keeps pointing at memory that is gone afterwards.
template <class L>
GradReport check_gradients(L& layer, Shape shape, const Segments& batch, GradCheckOptions options = {}) {
  return GradCheck<L>(layer, shape, batch, std::move(options)).run();
}

}  // namespace vlt::testing
