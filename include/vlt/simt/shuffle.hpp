#pragma once
#include <vlt/simt/emulation.hpp>
#include <vlt/simt/platform.hpp>

namespace vlt::simt {

#if !VLT_ON_DEVICE
namespace emulation {
// What a lane brings to a shuffle, and what it leaves with.
template <class T> struct Shuffled {
  T value;
  unsigned from;
};
template <class T> void shuffle_lanes(void* const* lane, std::uint32_t mask) {
  T value[32];
  for (unsigned i = 0; i < 32; ++i)
    if (mask >> i & 1u) value[i] = static_cast<Shuffled<T>*>(lane[i])->value;
  for (unsigned i = 0; i < 32; ++i) {
    if (!(mask >> i & 1u)) continue;
    auto& mine = *static_cast<Shuffled<T>*>(lane[i]);
    if (mine.from > 31 || !(mask >> mine.from & 1u))
      fail("shuffle", "lane %u reads lane %u, which mask %08x leaves out", i, mine.from, mask);
    mine.value = value[mine.from];
  }
}
}  // namespace emulation
#endif

// The value of lane `from`. All lanes of `mask` must come, with the same mask.
template <class T>
VLT_SIMT T shuffle(T value, unsigned from, std::uint32_t mask = ~0u, const char* file = __builtin_FILE(),
                   int line = __builtin_LINE()) {
#if VLT_ON_DEVICE
  (void)file, (void)line;
  return __shfl_sync(mask, value, int(from));
#else
  emulation::Shuffled<T> mine{value, from};
  emulation::meet(mask, &emulation::shuffle_lanes<T>, &mine, false, {file, line, "shuffle"});
  return mine.value;
#endif
}

// The value of the lane whose index differs by the bits of `bits`.
template <class T>
VLT_SIMT T shuffle_xor(T value, unsigned bits, std::uint32_t mask = ~0u, const char* file = __builtin_FILE(),
                       int line = __builtin_LINE()) {
#if VLT_ON_DEVICE
  (void)file, (void)line;
  return __shfl_xor_sync(mask, value, int(bits));
#else
  emulation::Shuffled<T> mine{value, emulation::this_thread().lane ^ bits};
  emulation::meet(mask, &emulation::shuffle_lanes<T>, &mine, false, {file, line, "shuffle_xor"});
  return mine.value;
#endif
}

}  // namespace vlt::simt
