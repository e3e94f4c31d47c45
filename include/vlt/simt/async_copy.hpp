#pragma once
#include <vlt/simt/emulation.hpp>
#include <vlt/simt/platform.hpp>

// Copies from global into shared memory that do not wait (cp.async, from sm_80 on). A thread's copies are committed in
// groups and waited for in their order; other threads see them after a barrier that follows the wait.
namespace vlt::simt {

// 16 bytes; where they are not `there`, 16 bytes of zero, and nothing is read.
VLT_SIMT void copy_async16(void* shared, const void* global, bool there = true, const char* file = __builtin_FILE(),
                           int line = __builtin_LINE()) {
#if VLT_ON_DEVICE
  (void)file, (void)line;
  const unsigned to = static_cast<unsigned>(__cvta_generic_to_shared(shared));
  const int bytes = there ? 16 : 0;
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(global), "r"(bytes) : "memory");
#else
  emulation::copy_async(shared, global, 16, there ? 16 : 0, {file, line, "copy_async16"});
#endif
}
VLT_SIMT void commit_copies() {
#if VLT_ON_DEVICE
  asm volatile("cp.async.commit_group;" ::: "memory");
#else
  emulation::commit_copies();
#endif
}
// Waits until at most `GroupsLeft` of this thread's groups are under way.
template <int GroupsLeft> VLT_SIMT void wait_for_copies() {
#if VLT_ON_DEVICE
  asm volatile("cp.async.wait_group %0;" ::"n"(GroupsLeft) : "memory");
#else
  emulation::wait_for_copies(GroupsLeft);
#endif
}

}  // namespace vlt::simt
