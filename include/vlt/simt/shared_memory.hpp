#pragma once
#include <vlt/simt/emulation.hpp>
#include <vlt/simt/platform.hpp>

namespace vlt::simt {

#if VLT_ON_DEVICE
extern __shared__ __align__(128) unsigned char dynamic_shared_memory[];
#endif

inline constexpr std::size_t shared_alignment = 16;  // of every piece: what vectors and ldmatrix need
VLT_SIMT constexpr std::size_t aligned_shared(std::size_t bytes) {
  return (bytes + shared_alignment - 1) / shared_alignment * shared_alignment;
}

// Hands out a block's shared memory piece by piece. A kernel says once, in `carve(arena)`, what it takes; the same
// function on a SharedCounter tells the launch how much that is. Under emulation there are guards between the pieces.
class SharedArena {
 public:
  VLT_SIMT SharedArena() {
#if !VLT_ON_DEVICE
    emulation::start_taking_shared();
#endif
  }
  template <class T>
  VLT_SIMT T* take(std::size_t count, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
#if VLT_ON_DEVICE
    (void)file, (void)line;
    T* const piece = reinterpret_cast<T*>(dynamic_shared_memory + taken_);
    taken_ = (taken_ + count * sizeof(T) + shared_alignment - 1) / shared_alignment * shared_alignment;
    return piece;
#else
    return static_cast<T*>(emulation::take_shared(count * sizeof(T), {file, line, "take"}));
#endif
  }

 private:
  std::size_t taken_ = 0;
};

// Counts what a SharedArena would hand out.
struct SharedCounter {
  std::size_t taken = 0;
  template <class T> VLT_SIMT constexpr T* take(std::size_t count) {
    taken += aligned_shared(count * sizeof(T));
    return nullptr;
  }
};

// Bytes of shared memory of each block of a launch; a kernel without `carve` takes none.
template <class K> constexpr std::size_t shared_bytes(const K& kernel) {
  SharedCounter counter;
  if constexpr (requires { kernel.carve(counter); }) kernel.carve(counter);
  return counter.taken;
}

}  // namespace vlt::simt
