#pragma once
#include <vlt/simt/platform.hpp>

namespace vlt::simt {

// Rows of numbers in the memory of the device, `stride` elements from one to the next: a Matrix as kernels see it.
template <class T> struct Strided {
  T* data = nullptr;
  Index stride = 0;
  VLT_SIMT T* row(Index r) const { return data + r * stride; }
};

// How a block walks along a row, `width` numbers a thread at a time:  for (c = first; c < cols; c += step).
template <int Threads, int Width> struct RowWalk {
  static constexpr int step = Threads * Width;
  VLT_SIMT static int first(unsigned thread) { return int(thread) * Width; }
};

}  // namespace vlt::simt
