#pragma once
#include <cstddef>

// Watches every access of kernels to shared and device memory. It finds races, accesses outside of what was allocated,
// reads of what nobody wrote, and pointers of the host. Two accesses to a byte, one of them a plain write, race if
//   they are of different blocks of a launch,
//   or of one block, of different warps, with no barrier of the block between them,
//   or of one warp, of different lanes, with no sync_warp between them (since sm_70 lanes are not in lockstep).
// That is exact for code ordered by barriers, and does not depend on the order in which threads happened to run.
//
// Kernels are compiled with -fsanitize=thread, which puts a call before every access, and linked without its library:
// the calls are defined here. The emulator itself is compiled without it.
namespace vlt::simt::emulation {

void install_checker();
std::size_t accesses_checked();

}  // namespace vlt::simt::emulation
