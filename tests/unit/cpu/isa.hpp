#pragma once
#include <vlt/base/policy.hpp>

// Calls f.operator()<D>() for every instruction set that this translation unit may use, the portable one included.
template <class F> void for_each_isa(F&& f) {
  using vlt::Device;
  f.template operator()<Device::portable>();
  if constexpr (Device::cpu >= Device::avx2) f.template operator()<Device::avx2>();
  if constexpr (Device::cpu >= Device::avx512) f.template operator()<Device::avx512>();
  if constexpr (Device::cpu >= Device::avx512_bf16) f.template operator()<Device::avx512_bf16>();
}
inline const char* name_of(vlt::Device d) {
  constexpr const char* names[] = {"portable", "avx2", "avx512", "avx512_bf16", "cuda"};
  return names[int(d)];
}
