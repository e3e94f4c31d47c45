// Operations that are bound by memory: norms, activations, rotations. Their figure is `GB/s`: bytes of operands read
// and written, by the clock.
#include <vlt/ops/activation.hpp>
#include <vlt/ops/norm.hpp>
#include <vlt/ops/rope.hpp>
#include "cases.hpp"

namespace {
using namespace vlt;

// Matrices of one shape, as the stream of a decoder has them (float) and as its branches have them (T).
template <class T> struct Operands {
  static constexpr Index rows = 2048, cols = 2048;
  Operands() {
    batch.append(rows);
    for (auto* m : {&stream, &d_stream}) *m = matrix(stream_memory.emplace_back(bench::numbers<float>(rows * cols)));
    for (auto* m : {&a, &b, &c, &d, &e}) *m = matrix(branch_memory.emplace_back(bench::numbers<T>(rows * cols)));
    mean_memory = bench::numbers<float>(rows), rstd_memory = bench::numbers<float>(rows);
    mean = {mean_memory.address(), rows, 1, 1}, rstd = {rstd_memory.address(), rows, 1, 1};
    weight = row_range(a, 0, 1);
  }
  template <class X> static Matrix<X, Device::cpu> matrix(bench::Memory<X>& b) {
    return {b.address(), rows, cols, cols};
  }

  Segments batch;
  std::vector<bench::Memory<float>> stream_memory;
  std::vector<bench::Memory<T>> branch_memory;
  bench::Memory<float> mean_memory, rstd_memory;
  Matrix<float, Device::cpu> stream, d_stream, mean, rstd;
  Matrix<T, Device::cpu> a, b, c, d, e, weight;
};

template <class T, class F> void add(const char* name, F&& operation) {
  bench::add<T>(std::string(name) + "/" + bench::type_name<T> + "/2048x2048", [operation] {
    const auto x = std::make_shared<Operands<T>>();
    return std::make_unique<bench::ScopeCase>([operation, o = x.get()](Scope& s) { operation(s, *o); }, x);
  });
}

template <class T> void add_all() {
  using O = Operands<T>;
  add<T>("rms_norm", [](Scope& s, O& o) { ops::rms_norm(s, o.stream, o.weight, o.b, o.rstd, 1e-5); });
  add<T>("rms_norm_dx", [](Scope& s, O& o) { ops::rms_norm_dx(s, o.b, o.stream, o.weight, o.rstd, o.d_stream, 0); });
  add<T>("layer_norm",
         [](Scope& s, O& o) { ops::layer_norm(s, o.stream, o.weight, o.weight, o.b, o.mean, o.rstd, 1e-5); });
  add<T>("layer_norm_dx",
         [](Scope& s, O& o) { ops::layer_norm_dx(s, o.b, o.stream, o.weight, o.mean, o.rstd, o.d_stream, 0); });
  add<T>("swiglu", [](Scope& s, O& o) { ops::swiglu(s, o.a, o.b, o.c); });
  add<T>("swiglu_backward", [](Scope& s, O& o) { ops::swiglu_backward(s, o.a, o.b, o.c, o.d, o.e); });
  add<T>("gelu", [](Scope& s, O& o) { ops::activation(s, Activation::gelu, o.a, o.b); });
  const Rope rope = Rope::plain(64, 100000);
  add<T>("rope", [rope](Scope& s, O& o) { ops::rope(s, o.a, o.batch, rope, ops::Turn::forward); });
}
}  // namespace

int main(int argc, char** argv) {
  add_all<bf16>(), add_all<float>();
  return bench::run(argc, argv);
}
