#pragma once
#include <vlt/simt/barrier.hpp>
#include <vlt/simt/index.hpp>
#include <vlt/simt/math.hpp>
#include <vlt/simt/shuffle.hpp>

// One value out of many threads' values, in an order that only the number of threads decides: the same bits every time.
namespace vlt::simt {

struct Sum {
  template <class T> VLT_SIMT T operator()(T a, T b) const { return a + b; }
  template <class T> static VLT_SIMT constexpr T neutral() { return T(0); }
};
struct Largest {
  VLT_SIMT float operator()(float a, float b) const { return larger(a, b); }
  template <class T> static VLT_SIMT constexpr T neutral() { return -infinity(); }
};

// Every lane gets the result.
template <class Join, class T>
VLT_SIMT T reduce_warp(T value, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  VLT_UNROLL
  for (unsigned bits = 16; bits > 0; bits /= 2) value = Join()(value, shuffle_xor(value, bits, ~0u, file, line));
  return value;
}

// Every thread gets the result. partial: shared memory, one value a warp; it may be that of the reduction before.
template <int Threads, class Join, class T> VLT_SIMT T reduce_block(T value, T* partial) {
  static_assert(Threads % warp_size == 0 && Threads <= 1024);
  value = reduce_warp<Join>(value);
  sync_block();  // somebody may still read what the reduction before left
  if (lane_index() == 0) partial[warp_index()] = value;
  sync_block();
  value = lane_index() < Threads / warp_size ? partial[lane_index()] : Join::template neutral<T>();
  return reduce_warp<Join>(value);
}

}  // namespace vlt::simt
