#pragma once
#include <algorithm>
#include <chrono>
#include <numeric>
#include <vector>
#include <vlt/base/parallel.hpp>
#include <vlt/base/thread_clock.hpp>

namespace vlt::testing {

// Seconds of something that a team of threads did: of all its threads together, and by the clock on the wall.
struct Elapsed {
  double cpu = 0, wall = 0;
  Elapsed& operator+=(Elapsed o) {
    cpu += o.cpu, wall += o.wall;
    return *this;
  }
  Elapsed operator-(Elapsed o) const { return {cpu - o.cpu, wall - o.wall}; }
  Elapsed operator/(double n) const { return {cpu / n, wall / n}; }
};

// Times what a team of threads does. Every thread reads its own clock: CPU time does not depend on who else uses the
// machine, and the clock of a process would come late for threads that run on other cores.
class Stopwatch {
 public:
  explicit Stopwatch(Threads& threads) : threads_(threads), at_(std::size_t(threads.count())) {}

  template <class F> Elapsed time(F&& work) {
    const Elapsed start = now();
    work();
    return now() - start;
  }

 private:
  Elapsed now() {
    threads_.run([&](int thread, int) { at_[std::size_t(thread)] = thread_seconds(); });
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now().time_since_epoch();
    return {std::accumulate(at_.begin(), at_.end(), 0.0), wall.count()};
  }

  Threads& threads_;
  std::vector<double> at_;  // one clock each
};

// Several measurements of one thing: the one in the middle stands for all, the others say how far it can be trusted.
struct Spread {
  double median = 0, least = 0, most = 0;

  Spread() = default;
  explicit Spread(std::vector<double> values) {
    if (values.empty()) return;
    std::sort(values.begin(), values.end());
    const std::size_t half = values.size() / 2;
    median = values.size() % 2 ? values[half] : (values[half - 1] + values[half]) / 2;
    least = values.front(), most = values.back();
  }
};

}  // namespace vlt::testing
