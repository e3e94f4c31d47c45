// Rows of activations may lie apart, each matrix's its own distance: float in registers must mind them as double does.
#include "check.hpp"
using namespace vlt;

namespace {

// A matrix of a wave, `gap` elements between its rows.
template <class T> struct Spread {
  std::vector<T> memory;
  Tokens<space::text, T, under_test> m;
  Spread(Index rows, Index cols, Index gap, double f, const Segments& batch)
      : memory(std::size_t(rows * (cols + gap)), T(1e3)) {
    m = borrow_host<decltype(m)>(memory.data(), rows, cols, cols + gap);
    m.segments = batch;
    for (Index r = 0; r < rows; ++r)
      for (Index c = 0; c < cols; ++c) m(r, c) = T(std::sin(f * double(r * cols + c) + 0.2));
  }
};

// y = residual + x W^T + b and its gradients, one after the other.
template <class P> std::vector<double> passes() {
  using T = typename P::operand;
  const Segments batch = testing::mixed_batch();
  Linear<P> layer(37, 21, true);
  auto registry = registry_of<P>(layer);
  testing::LooseParameters parameters(registry);
  Spread<T> x(14, 21, 3, 0.7, batch), y(14, 37, 5, 0, batch), residual(14, 37, 2, 0.9, batch);
  Spread<T> dy(14, 37, 1, 1.1, batch), dx(14, 21, 6, 0.3, batch);
  const Buffer<std::byte, under_test> memory(1 << 19);
  std::vector<double> all;
  Threads threads;
  Arena a(memory);
  Scope s(a, threads);
  typename Linear<P>::saved k;
  layer.forward(s, x.m, y.m, k, residual.m);
  layer.backward(s, dy.m, accumulate(dx.m), k);
  for (const Spread<T>* v : {&y, &dx})
    for (Index r = 0; r < v->m.rows; ++r)
      for (Index c = 0; c < v->m.stride; ++c) all.push_back(double(v->m.data[r * v->m.stride + c]));
  for (auto& p : registry.params) append_values(all, *p.grad);
  return all;
}

}  // namespace

TEST_CASE("a linear layer in float on rows that lie apart gives what it gives in double, and touches nothing else") {
  const auto full = passes<Policy<under_test, Precision::f32>>(), gold = passes<Gold>();
  REQUIRE(full.size() == gold.size());
  for (std::size_t i = 0; i < full.size(); ++i) CHECK(full[i] == Approx(gold[i]).epsilon(1e-5).margin(2e-5));
}
