// Products as training makes them (y = x W^T, dx = dy W, dW += dy^T x) in percent of the peak measured in the same run.
// Usage: bench_gemm [threads] [bf16|float]. Time is CPU time of all threads, best of several.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vlt/cpu/panels.hpp>
#include <vlt/tensor/buffer.hpp>
#include <vlt/tensor/matrix.hpp>
#include "peak.hpp"

namespace {
using namespace vlt;

struct Shape3 {
  Index tokens, out, in;
};
constexpr Shape3 shapes[] = {{512, 576, 576},    {512, 1536, 576},  {512, 576, 1536},  {256, 2048, 2048},
                             {2048, 2048, 2048}, {512, 5632, 2048}, {256, 49152, 576}, {256, 32000, 2048}};

// A geometric mean that grows by one number at a time.
class GeometricMean {
 public:
  void add(double x) { logarithms_ += std::log(x), ++count_; }
  double value() const { return std::exp(logarithms_ / count_); }

 private:
  double logarithms_ = 0;
  int count_ = 0;
};

template <class T> Buffer<T> numbers(Index n) {
  Buffer<T> b(n);
  for (Index i = 0; i < n; ++i) b.data()[i] = T(float(i * 2654435761u % 1000) * 0.002f - 1);
  return b;
}

template <class T> class Bench {
 public:
  explicit Bench(int threads) : threads_(threads), peak_(bench::peak<T>()) {}

  void run() {
    std::printf("%s, %d threads, peak %.1f GFLOP per CPU s (%s)\n", bench::isa(), threads_.count(), peak_,
                sizeof(T) == 2 ? "bf16" : "float");
    std::printf("%24s %10s %10s %10s | %14s %14s\n", "tokens, out, in", "y = x W'", "dx = dy W", "dW = dy' x",
                "y, W packed", "dx, W packed");
    for (const Shape3& s : shapes) one_shape(s);
    std::printf("geometric mean: %.1f %% of the peak; with packed weights (and dW) %.1f %%\n", rows_.value(),
                packed_.value());
  }

 private:
  using M = Matrix<const T, Device::cpu>;

  void one_shape(const Shape3& s) {
    const auto x = numbers<T>(s.tokens * s.in), w = numbers<T>(s.out * s.in), dy = numbers<T>(s.tokens * s.out);
    Buffer<T> y(s.tokens * s.out), dx(s.tokens * s.in);
    Buffer<float> dw(s.out * s.in);
    Buffer<T> forward(cpu::panel_bytes<T>(s.out, s.in) / Index(sizeof(T))),
        backward(cpu::panel_bytes<T>(s.in, s.out) / Index(sizeof(T)));
    const M weight{w.data(), s.out, s.in, s.in};
    cpu::pack_forward<T>(weight, forward.data(), 0, s.out);
    cpu::pack_backward<T>(weight, backward.data(), 0, s.out);
    const cpu::Source<T> x_rows{x.data(), s.in, 1}, x_cols{x.data(), 1, s.in}, w_rows{w.data(), s.in, 1},
        w_cols{w.data(), 1, s.in}, dy_rows{dy.data(), s.out, 1}, dy_cols{dy.data(), 1, s.out};
    const double percent[] = {share(s, product<T>(y, s.tokens, s.out, s.in, x_rows, w_rows)),
                              share(s, product<T>(dx, s.tokens, s.in, s.out, dy_rows, w_cols)),
                              share(s, product<float>(dw, s.out, s.in, s.tokens, dy_cols, x_cols, 1)),
                              share(s, product<T>(y, s.tokens, s.out, s.in, x_rows, forward)),
                              share(s, product<T>(dx, s.tokens, s.in, s.out, dy_rows, backward))};
    std::printf("%10ld %6ld %6ld %9.1f%% %9.1f%% %9.1f%% | %13.1f%% %13.1f%%\n", long(s.tokens), long(s.out),
                long(s.in), percent[0], percent[1], percent[2], percent[3], percent[4]);
    std::fflush(stdout);
    for (int i : {0, 1, 2}) rows_.add(percent[i]);
    for (int i : {2, 3, 4}) packed_.add(percent[i]);
  }
  template <class C>
  cpu::Product<T, C> product(Buffer<C>& c, Index m, Index n, Index k, cpu::Source<T> a, cpu::Source<T> b,
                             float beta = 0) {
    cpu::Product<T, C> p{.m = m, .n = n, .k = k, .a = a, .b = b};
    p.store.c = c.data(), p.store.c_stride = n, p.store.beta = beta;
    return p;
  }
  template <class C>
  cpu::Product<T, C> product(Buffer<C>& c, Index m, Index n, Index k, cpu::Source<T> a, const Buffer<T>& panels) {
    auto p = product(c, m, n, k, a, cpu::Source<T>{});
    p.panels = reinterpret_cast<const cpu::Unit*>(panels.data());
    return p;
  }
  template <class C> double share(const Shape3& s, const cpu::Product<T, C>& p) {
    Buffer<std::byte> work(cpu::work_bytes<Device::cpu, T>(p.m, p.n, p.k, threads_.count()));
    const double flops = 2 * double(s.tokens) * double(s.out) * double(s.in);
    const int repeats = int(std::clamp(2e10 / flops, 4.0, 30.0));
    const double seconds = bench::best_seconds(repeats, [&] { cpu::multiply<Device::cpu>(p, threads_, work.data()); });
    return flops * 1e-7 / seconds / peak_;
  }

  Threads threads_;
  double peak_;
  GeometricMean rows_, packed_;
};
}  // namespace

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : 2;
  if (argc > 2 && std::string(argv[2]) == "float") Bench<float>(threads).run();
  else Bench<bf16>(threads).run();
}
