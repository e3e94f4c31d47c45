#pragma once
#include <cstdio>
#include <string>
#include <vlt/nn/layer.hpp>
#include <vlt/testing/loose_parameters.hpp>
#include <vlt/testing/stopwatch.hpp>

namespace vlt::testing {

// How bench_layer measures, and what it compares with.
struct BenchOptions {
  double seconds = 0.5;  // each pass is repeated for so long at least, in all samples together
  int samples = 5;       // their median counts, their least and most are told
  int threads = 1;
  double peak_gflops = 0;  // of one core, measured elsewhere: then the report says how much of it is used
  // What of the arithmetic is of use, where that is less than the layer counts (a causal mask hides half of the pairs).
  double useful_forward_flops = 0, useful_backward_flops = 0;
};

// One pass of a layer: what it costs by its own account, and how long it took.
struct PassReport {
  Cost cost;
  double useful_flops = 0;
  Spread cpu_seconds, wall_seconds;  // of all threads together; by the clock

  double gflops() const { return cpu_seconds.median > 0 ? useful_flops / cpu_seconds.median * 1e-9 : 0; }  // of a core
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
    char text[200];
    int n = std::snprintf(text, sizeof text, "  %s %9.3f ms CPU (%.3f to %.3f), %9.3f ms by the clock, %8.4f GFLOP, ",
                          name, p.cpu_seconds.median * 1e3, p.cpu_seconds.least * 1e3, p.cpu_seconds.most * 1e3,
                          p.wall_seconds.median * 1e3, p.useful_flops * 1e-9);
    std::string all(text, std::size_t(n));
    n = std::snprintf(text, sizeof text, "%8.2f GFLOP/s a core", p.gflops());
    all.append(text, std::size_t(n));
    if (peak_gflops > 0) {
      const double share = p.gflops() / peak_gflops;
      n = std::snprintf(text, sizeof text, ", %.0f %% of the peak%s", 100 * share,
                        share > 1 ? ": more than there is, one of the two is wrong" : "");
      all.append(text, std::size_t(n));
    }
    return all + "\n";
  }
};

// Any layer with parameters, random input of one shape, whose rows belong to `batch`, and memory for a forward pass and
// its backward (dx wanted). P: the policy by whose precision the layer was made. The layer keeps pointing at memory
// that is gone afterwards.
template <IsPolicy P, class L> class LayerBench {
 public:
  LayerBench(L& layer, Shape shape, const Segments& batch, Threads& threads)
      : layer_(layer),
        threads_(threads),
        stopwatch_(threads),
        parameters_((collect(layer, registry_, ""), registry_), 1, 0.02),
        x_(matrix<typename L::in>(shape, batch, x_memory_)),
        dx_(matrix<typename L::in>(shape, batch, dx_memory_)),
        y_(matrix<typename L::out>(layer.out_shape(shape), batch, y_memory_)),
        dy_(matrix<typename L::out>(layer.out_shape(shape), batch, dy_memory_)) {
    Arena plan;
    Scope s(plan, threads_);
    layer_.forward(s, x_, y_, saved_);
    forward_cost_ = s.total();
    layer_.backward(s, dy_, overwrite(dx_), saved_);
    backward_cost_ = {s.total().flops - forward_cost_.flops, s.total().bytes - forward_cost_.bytes};
    arena_bytes_ = plan.peak();
    memory_ = Buffer<std::byte, P::device>(Index(arena_bytes_));
  }
  LayerBench(const LayerBench&) = delete;

  Cost forward_cost() const { return forward_cost_; }
  Cost backward_cost() const { return backward_cost_; }
  std::size_t arena_bytes() const { return arena_bytes_; }

  struct Passes {
    Elapsed forward, backward;
  };
  Passes run() {
    Arena arena(memory_);
    Scope s(arena, threads_);
    Passes p;
    p.forward = stopwatch_.time([&] { layer_.forward(s, x_, y_, saved_); });
    p.backward = stopwatch_.time([&] { layer_.backward(s, dy_, overwrite(dx_), saved_); });
    return p;
  }

 private:
  template <class M, class V> static M matrix(Shape shape, const Segments& batch, V& memory) {
    std::mt19937 rng(3);
    std::normal_distribution<float> normal;
    memory.resize(std::size_t(shape.size()));
    for (auto& v : memory) v = typename M::value_type(normal(rng));
    M m = borrow_host<M>(memory.data(), shape.rows, shape.cols);
    m.segments = batch;
    return m;
  }

  L& layer_;
  Threads& threads_;
  Stopwatch stopwatch_;
  registry_t<P> registry_;
  LooseParameters<P::precision, P::device> parameters_;
  std::vector<typename L::in::value_type> x_memory_, dx_memory_;
  std::vector<typename L::out::value_type> y_memory_, dy_memory_;
  typename L::in x_, dx_;
  typename L::out y_, dy_;
  typename L::saved saved_;
  Cost forward_cost_, backward_cost_;
  std::size_t arena_bytes_ = 0;
  Buffer<std::byte, P::device> memory_;
};

// Times forward and backward of any layer: the median of several samples.
template <IsPolicy P, class L>
BenchReport bench_layer(L& layer, Shape shape, const Segments& batch, BenchOptions options = {}) {
  Threads threads(options.threads);
  LayerBench<P, L> bench(layer, shape, batch, threads);
  std::vector<double> forward_cpu, forward_wall, backward_cpu, backward_wall;
  bench.run();  // the first touch of memory is another matter
  for (int i = 0; i < options.samples; ++i) {
    typename LayerBench<P, L>::Passes sum;
    double repeats = 0;
    do {
      const auto once = bench.run();
      sum.forward += once.forward, sum.backward += once.backward, ++repeats;
    } while (std::min(sum.forward.wall, sum.backward.wall) * options.samples < options.seconds);
    forward_cpu.push_back(sum.forward.cpu / repeats), forward_wall.push_back(sum.forward.wall / repeats);
    backward_cpu.push_back(sum.backward.cpu / repeats), backward_wall.push_back(sum.backward.wall / repeats);
  }
  const auto useful = [](double wanted, Cost cost) { return wanted > 0 ? wanted : cost.flops; };
  return {.forward = {bench.forward_cost(), useful(options.useful_forward_flops, bench.forward_cost()),
                      Spread(forward_cpu), Spread(forward_wall)},
          .backward = {bench.backward_cost(), useful(options.useful_backward_flops, bench.backward_cost()),
                       Spread(backward_cpu), Spread(backward_wall)},
          .arena_bytes = bench.arena_bytes(),
          .peak_gflops = options.peak_gflops};
}

}  // namespace vlt::testing
