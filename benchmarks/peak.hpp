#pragma once
#include <algorithm>
#include <ctime>
#include <vlt/base/parallel.hpp>
#include <vlt/cpu/peak.hpp>

// What the machine can do at most, measured in the same run as what is compared with it. Time is CPU time: it does not
// depend on who else uses the machine.
namespace bench {

inline double seconds_of(clockid_t clock) {
  timespec t;
  clock_gettime(clock, &t);
  return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
}
inline double cpu_seconds() { return seconds_of(CLOCK_PROCESS_CPUTIME_ID); }
inline double wall_seconds() { return seconds_of(CLOCK_MONOTONIC); }

// The least CPU time of `repeats` calls of f.
template <class F> double best_seconds(int repeats, F&& f) {
  double best = 1e30;
  for (int i = 0; i < repeats; ++i) {
    const double start = cpu_seconds();
    f();
    best = std::min(best, cpu_seconds() - start);
  }
  return best;
}

// GFLOP per CPU-second of one core in the multiply-add instruction that products of T use.
template <class T> double peak() { return 1e-9 * vlt::cpu::peak_flops<T>(2000000, 7); }

inline const char* isa() {
  constexpr const char* names[] = {"portable", "AVX2", "AVX-512", "AVX-512 BF16"};
  return names[int(vlt::Device::cpu)];
}

}  // namespace bench
