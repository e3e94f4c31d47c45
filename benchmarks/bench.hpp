#pragma once
#include <benchmark/benchmark.h>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <vector>
#include <vlt/cpu/peak.hpp>
#include <vlt/testing/stopwatch.hpp>

// What the programs of this folder share: a team of threads, the peak of the machine, and one way to measure. The time
// that Google Benchmark shows as `Time` is the CPU time of all threads of the team, each by its own clock.
namespace bench {
using vlt::testing::Elapsed;

// The threads of all benchmarks of a program; started by the main function.
inline std::unique_ptr<vlt::Threads>& owned_team() {
  static std::unique_ptr<vlt::Threads> team;
  return team;
}
inline vlt::Threads& team() { return *owned_team(); }

// GFLOP per CPU second of one core in the multiply-add instruction that products of T use, while all threads of the
// team do the same: the most there is.
template <class T> double peak() {
  std::vector<double> flops(std::size_t(team().count()));
  team().run([&](int thread, int) { flops[std::size_t(thread)] = vlt::cpu::peak_flops<T>(400000, 5); });
  return 1e-9 * std::accumulate(flops.begin(), flops.end(), 0.0) / double(flops.size());
}

inline const char* isa() {
  constexpr const char* names[] = {"portable", "AVX2", "AVX-512", "AVX-512 BF16"};
  return names[int(vlt::Device::cpu)];
}

// One thing to measure, with its memory: made when its turn comes, gone when the next one is made.
struct Case {
  virtual ~Case() = default;
  virtual Elapsed run() = 0;
  double flops = 0, bytes = 0;  // of one run: arithmetic that is of use, and what crosses the memory bus
};
using MakeCase = std::function<std::unique_ptr<Case>()>;
inline std::shared_ptr<Case>& current_case() {
  static std::shared_ptr<Case> c;
  return c;
}

// Measurements above the peak, a line each. A state's own error would do, but where it befalls the first repetition
// Google Benchmark 1.7 reads statistics that are not there.
inline std::vector<std::string>& wrong_measurements() {
  static std::vector<std::string> all;
  return all;
}

inline void report(benchmark::State& state, const std::string& name, const Case& c, Elapsed each, double peak) {
  const double gflops = c.flops * 1e-9 / each.cpu, percent = 100 * gflops / peak;
  state.counters["GFLOP/s"] = gflops;
  state.counters["peak_percent"] = percent;
  state.counters["bytes"] = benchmark::Counter(c.bytes, {}, benchmark::Counter::kIs1024);
  state.counters["GB/s"] = c.bytes * 1e-9 / each.wall;
  state.counters["wall_ms"] = each.wall * 1e3;
  if (percent > 100) wrong_measurements().push_back(name + ": " + std::to_string(percent) + " % of the peak");
}

// Registers a benchmark whose products read operands of T. The peak is measured before and after every repetition, as
// the frequency of cores changes: the higher one counts.
template <class T> void add(const std::string& name, MakeCase make) {
  const auto body = [name, make = std::move(make), mine = std::weak_ptr<Case>()](benchmark::State& state) mutable {
    std::shared_ptr<Case> c = mine.lock();
    if (!c) {
      current_case().reset();
      mine = c = current_case() = make();
      c->run();  // the first touch of memory is another matter
    }
    const double before = peak<T>();
    Elapsed sum;
    for (auto _ : state) {
      const Elapsed once = c->run();
      state.SetIterationTime(once.cpu);
      sum += once;
    }
    report(state, name, *c, sum / double(state.iterations()), std::max(before, peak<T>()));
  };
  benchmark::RegisterBenchmark(name.c_str(), body)
      ->UseManualTime()
      ->Unit(benchmark::kMillisecond)
      ->ComputeStatistics(
          "spread",
          [](const std::vector<double>& v) {
            const vlt::testing::Spread s(v);
            return (s.most - s.least) / s.median;
          },
          benchmark::kPercentage);
}

// Runs what was registered by the flags of Google Benchmark, five times half a second each unless they say otherwise,
// and --threads=N (2). Exit code 1: something was measured above the peak, and is named.
inline int run(int argc, char** argv) {
  std::vector<std::string> words{argv[0], "--benchmark_repetitions=5", "--benchmark_report_aggregates_only=true"};
  int threads = 2;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i], flag = "--threads=";
    if (word.rfind(flag, 0) == 0) threads = std::atoi(word.c_str() + flag.size());
    else words.push_back(word);
  }
  owned_team() = std::make_unique<vlt::Threads>(threads);
  std::vector<char*> arguments;
  for (std::string& w : words) arguments.push_back(w.data());
  int count = int(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 2;
  benchmark::AddCustomContext("instructions", isa());
  benchmark::AddCustomContext("threads", std::to_string(team().count()));
  benchmark::RunSpecifiedBenchmarks();
  current_case().reset(), owned_team().reset();
  for (const std::string& w : wrong_measurements()) std::cerr << "a wrong measurement: " << w << '\n';
  return wrong_measurements().empty() ? 0 : 1;
}

}  // namespace bench
