#pragma once
#include <vlt/simt/emulation.hpp>
#include <vlt/simt/platform.hpp>

namespace vlt::simt {

// Every thread of the block arrives before one goes on; what they wrote before is seen by all. All must come.
VLT_SIMT void sync_block(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
#if VLT_ON_DEVICE
  (void)file, (void)line;
  __syncthreads();
#else
  emulation::sync_block({file, line, "sync_block"});
#endif
}

// The same for the lanes of a warp that `mask` names. Lanes are not in lockstep: without it they see nothing of each
// other's writes.
VLT_SIMT void sync_warp(std::uint32_t mask = ~0u, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
#if VLT_ON_DEVICE
  (void)file, (void)line;
  __syncwarp(mask);
#else
  emulation::meet(mask, [](void* const*, std::uint32_t) {}, nullptr, true, {file, line, "sync_warp"});
#endif
}

}  // namespace vlt::simt
