#pragma once
#include <algorithm>
#include <vlt/base/thread_clock.hpp>
#include <vlt/cpu/tile.hpp>

namespace vlt::cpu {

// FLOP per second of one core in the multiply-add instruction that products of T use, from registers: twelve
// independent sums of nothing but vdpbf16ps (bf16 on AVX-512 BF16) or fused multiply-adds; the best of some repeats, in
// time of this thread, so that it does not depend on who else uses the machine.
template <class T> [[gnu::noinline]] double peak_flops(long rounds = 200000, int repeats = 7) {
  constexpr Device D = Device::cpu;
  constexpr int chains = 12;
  constexpr bool pairs = D == Device::avx512_bf16 && std::is_same_v<T, bf16>;
  using Operand = std::conditional_t<pairs, bf16, float>;
  const auto ones = same_bits<Words<D>>(broadcast<D>(1)) | (pairs ? 0x3f80u : 0u);
  double best = 1e30;
  for (int repeat = 0; repeat < repeats; ++repeat) {
    const double start = thread_seconds();
    Floats<D> sum[chains] = {};
#pragma GCC unroll 12
    for (auto& s : sum) asm volatile("" : "+x"(s));  // the chains are not known to be equal
    Words<D> a = ones;
    for (long i = 0; i < rounds; ++i) {
      asm volatile("" : "+x"(a));
#pragma GCC unroll 12
      for (auto& s : sum) s = add_product<D, Operand>(s, a, ones);
    }
#pragma GCC unroll 12
    for (auto& s : sum) asm volatile("" : "+x"(s));
    best = std::min(best, thread_seconds() - start);
  }
  return double(rounds) * chains * lanes<D> * (pairs ? 4 : 2) / best;
}

}  // namespace vlt::cpu
