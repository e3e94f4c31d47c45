#pragma once
#include <concepts>
#include <type_traits>
#include <vlt/simt/shared_memory.hpp>

namespace vlt::simt {

// The blocks of a launch. y and z stay below 65536.
struct Grid {
  unsigned x = 1, y = 1, z = 1;
  bool operator==(const Grid&) const = default;
};

// Blocks of `tile` that cover `count`; at least one, which finds nothing to do.
constexpr unsigned blocks_for(std::int64_t count, std::int64_t tile) {
  return count <= tile ? 1u : unsigned((count + tile - 1) / tile);
}

// What runs on a device: a trivially copyable struct of its parameters, whose operator() is what each thread does. It
// says how many threads a block has (`threads`), how many blocks there are (`grid()`), and may say which shared memory
// a block takes (`carve(arena)`) and how many blocks shall share a multiprocessor (`blocks_resident`).
template <class K> concept Kernel = std::is_trivially_copyable_v<K> && requires(const K kernel) {
  { K::threads } -> std::convertible_to<int>;
  { kernel.grid() } -> std::same_as<Grid>;
  { kernel() } -> std::same_as<void>;
} && K::threads % 32 == 0 && K::threads > 0 && K::threads <= 1024 && sizeof(K) <= 4096;

template <class K> inline constexpr int blocks_resident = 1;
template <class K>
requires requires { K::blocks_resident; }
inline constexpr int blocks_resident<K> = K::blocks_resident;

#if VLT_CUDA_COMPILER
// The one entry through which every kernel is launched.
template <Kernel K>
__global__ void __launch_bounds__(K::threads, blocks_resident<K>) entry(const __grid_constant__ K kernel) {
  kernel();
}
#endif

}  // namespace vlt::simt
