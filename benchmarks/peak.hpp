#pragma once
#include <algorithm>
#include <ctime>
#include <vlt/base/parallel.hpp>
#include <vlt/cpu/tile.hpp>

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

// GFLOP per CPU-second of the multiply-add instruction that products of T use, from registers: twelve independent sums
// of nothing but vdpbf16ps (bf16 on AVX-512 BF16) or fused multiply-adds.
template <class T> [[gnu::noinline]] double peak() {
  using namespace vlt;
  constexpr Device D = Device::cpu;
  constexpr int chains = 12;
  constexpr long rounds = 2000000;
  constexpr bool pairs = D == Device::avx512_bf16 && sizeof(T) == 2;
  using Operand = std::conditional_t<pairs, bf16, float>;
  const auto ones = cpu::same_bits<cpu::Words<D>>(cpu::broadcast<D>(1)) | (pairs ? 0x3f80u : 0u);
  const double flops = double(rounds) * chains * cpu::lanes<D> * (pairs ? 4 : 2);
  return flops * 1e-9 / best_seconds(7, [&] {
           cpu::Floats<D> sum[chains] = {};
#pragma GCC unroll 12
           for (auto& s : sum) asm volatile("" : "+x"(s));  // the chains are not known to be equal
           cpu::Words<D> a = ones;
           for (long i = 0; i < rounds; ++i) {
             asm volatile("" : "+x"(a));
#pragma GCC unroll 12
             for (auto& s : sum) s = cpu::add_product<D, Operand>(s, a, ones);
           }
#pragma GCC unroll 12
           for (auto& s : sum) asm volatile("" : "+x"(s));
         });
}

inline const char* isa() {
  constexpr const char* names[] = {"portable", "AVX2", "AVX-512", "AVX-512 BF16"};
  return names[int(vlt::Device::cpu)];
}

}  // namespace bench
