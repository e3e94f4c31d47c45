#pragma once
#include <cstdint>
#include <simt/ptx/module.hpp>

// What lanes of a warp do together, element by element from the PTX ISA's text: written apart from the emulator's own
// versions in include/vlt/simt, so that there are two readings of it.
namespace vlt::simt::ptx {

struct ShuffleLane {
  std::uint32_t a, b, c;
  std::uint32_t result;
  bool in_range;
};
template <Shuffle mode> void shuffle(void* const* lanes, std::uint32_t mask);

struct MmaLane {
  std::uint32_t a[4], b[2];
  float c[4], d[4];
};
template <Type type> void multiply(void* const* lanes, std::uint32_t mask);  // f16 or bf16

struct LdmatrixLane {
  const unsigned char* row;
  std::uint32_t result[4];
};
template <bool transposed, int matrices> void load_matrices(void* const* lanes, std::uint32_t mask);

}  // namespace vlt::simt::ptx
