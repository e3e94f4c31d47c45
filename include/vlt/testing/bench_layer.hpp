#pragma once
#include <chrono>
#include <cstdio>
#include <ctime>
#include <vlt/nn/layer.hpp>
#include <vlt/testing/loose_parameters.hpp>

namespace vlt::testing {

struct BenchOptions {
  double seconds = 0.3;  // how long each pass is repeated; the quickest repetition counts
  int threads = 1;
  double peak_gflops = 0;  // of one core, measured elsewhere: then the report says how much of it is used
};

// One pass of a layer: what it costs by its own account, and how long its quickest repetition took.
struct PassReport {
  Cost cost;
  double cpu_seconds = 0, wall_seconds = 0;  // all threads together; by the clock
  double gflops() const { return cpu_seconds > 0 ? cost.flops / cpu_seconds * 1e-9 : 0; }  // of one core
};

// What one layer costs in time and memory.
struct BenchReport {
  PassReport forward, backward;
  std::size_t arena_bytes = 0;  // peak of a forward and its backward
  double peak_gflops = 0;

  std::string text() const {
    std::string all = line("forward ", forward) + line("backward", backward);
    return all + "  arena " + std::to_string(arena_bytes) + " bytes\n";
  }

 private:
  std::string line(const char* name, const PassReport& p) const {
    char text[160];
    int n =
        std::snprintf(text, sizeof text, "  %s %9.3f ms CPU, %9.3f ms by the clock, %8.4f GFLOP, %8.2f GFLOP/s a core",
                      name, p.cpu_seconds * 1e3, p.wall_seconds * 1e3, p.cost.flops * 1e-9, p.gflops());
    std::string all(text, std::size_t(n));
    if (peak_gflops > 0) {
      n = std::snprintf(text, sizeof text, ", %.0f %% of the peak", 100 * p.gflops() / peak_gflops);
      all.append(text, std::size_t(n));
    }
    return all + "\n";
  }
};

// Times forward and backward (dx wanted) of any layer on random input of this shape, whose rows belong to `batch`.
// P: the policy by whose precision the layer was made. The layer keeps pointing at memory that is gone afterwards.
template <IsPolicy P, class L> class BenchLayer {
 public:
  BenchLayer(L& layer, Shape shape, const Segments& batch, BenchOptions options)
      : layer_(layer),
        options_(options),
        parameters_((collect(layer, registry_, ""), registry_), 1, 0.02),
        threads_(options.threads),
        x_(matrix<typename L::in>(shape, batch, x_memory_)),
        dx_(matrix<typename L::in>(shape, batch, dx_memory_)),
        y_(matrix<typename L::out>(layer.out_shape(shape), batch, y_memory_)),
        dy_(matrix<typename L::out>(layer.out_shape(shape), batch, dy_memory_)) {}

  BenchReport run() {
    BenchReport report;
    report.peak_gflops = options_.peak_gflops;
    Arena plan;
    both(plan, report);
    report.arena_bytes = plan.peak();
    std::vector<std::byte> memory(plan.peak() + Arena::granule);
    void* base = memory.data();
    std::size_t room = memory.size();
    std::align(Arena::granule, plan.peak(), base, room);
    for (double spent = 0; spent < options_.seconds;) {
      Arena arena(static_cast<std::byte*>(base), plan.peak());
      BenchReport once;
      both(arena, once);
      quicker(report.forward, once.forward), quicker(report.backward, once.backward);
      spent += once.forward.wall_seconds + once.backward.wall_seconds;
    }
    return report;
  }

 private:
  void both(Arena& arena, BenchReport& report) {
    Scope s(arena, threads_);
    timed(s, report.forward, [&] { layer_.forward(s, x_, y_, saved_); });
    timed(s, report.backward, [&] { layer_.backward(s, dy_, overwrite(dx_), saved_); });
  }
  template <class F> static void timed(Scope& s, PassReport& p, F&& pass) {
    const Cost before = s.total();
    const std::clock_t cpu = std::clock();
    const auto wall = std::chrono::steady_clock::now();
    pass();
    const double elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - wall).count();
    if (s.arena().planning()) {
      p.cost = {s.total().flops - before.flops, s.total().bytes - before.bytes};
      return;
    }
    p.wall_seconds = elapsed, p.cpu_seconds = double(std::clock() - cpu) / CLOCKS_PER_SEC;
  }
  static void quicker(PassReport& best, const PassReport& now) {
    if (best.wall_seconds > 0 && best.cpu_seconds <= now.cpu_seconds) return;
    best.wall_seconds = now.wall_seconds, best.cpu_seconds = now.cpu_seconds;
  }
  template <class M, class V> static M matrix(Shape shape, const Segments& batch, V& memory) {
    std::mt19937 rng(3);
    std::normal_distribution<float> normal;
    memory.resize(std::size_t(shape.size()));
    for (auto& v : memory) v = typename M::value_type(normal(rng));
    M m;
    m.data = memory.data(), m.rows = shape.rows, m.cols = m.stride = shape.cols, m.segments = &batch;
    return m;
  }

  L& layer_;
  BenchOptions options_;
  registry_t<P> registry_;
  LooseParameters<P::precision> parameters_;
  Threads threads_;
  std::vector<typename L::in::value_type> x_memory_, dx_memory_;
  std::vector<typename L::out::value_type> y_memory_, dy_memory_;
  typename L::in x_, dx_;
  typename L::out y_, dy_;
  typename L::saved saved_;
};

template <IsPolicy P, class L>
BenchReport bench_layer(L& layer, Shape shape, const Segments& batch, BenchOptions options = {}) {
  return BenchLayer<P, L>(layer, shape, batch, options).run();
}

}  // namespace vlt::testing
