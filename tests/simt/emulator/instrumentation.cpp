#include <cstdlib>
#include <cstring>
#include <simt/emulator/block.hpp>
#include <simt/emulator/device_memory.hpp>

// What a compiler calls before each access under -fsanitize=thread, and where it meets undefined behaviour under
// -fsanitize=bounds and others, in place of the sanitizers' libraries.
namespace vlt::simt::emulation {
namespace {

void watch(const void* at, std::size_t bytes, Access access, const void* from) {
  if (watcher()) watcher()(at, bytes, access, from);
}
// An access that the compiler took to be aligned.
void watch_aligned(const void* at, std::size_t bytes, Access access, const void* from) {
  Block* const block = Block::current();
  if (!block || !block->in_kernel()) return;
  if (reinterpret_cast<std::uintptr_t>(at) % bytes != 0 && (block->is_shared(at) || DeviceMemory::get().contains(at))) {
    block->mute();
    block->raise("misaligned", formatted("an access of %zu bytes at %p", bytes, at));
  }
  watch(at, bytes, access, from);
}

// What the compiler knows of an undefined operation begins with its place.
struct Place {
  const char* file;
  unsigned line, column;
};
[[noreturn]] void undefined(const void* what, const char* operation, const char* kind = "undefined") {
  const auto& place = *static_cast<const Place*>(what);
  Block* const block = Block::current();
  if (!block) std::abort();
  block->mute();
  block->raise(kind, formatted("%s at %s:%u", operation, place.file, place.line));
}

}  // namespace
}  // namespace vlt::simt::emulation

using vlt::simt::emulation::Access;
using vlt::simt::emulation::undefined;
using vlt::simt::emulation::watch;
using vlt::simt::emulation::watch_aligned;
#define VLT_CALLER __builtin_return_address(0)
#define VLT_ACCESS(bytes)                                                                              \
  void __tsan_read##bytes(void* at) { watch_aligned(at, bytes, Access::read, VLT_CALLER); }            \
  void __tsan_write##bytes(void* at) { watch_aligned(at, bytes, Access::write, VLT_CALLER); }          \
  void __tsan_volatile_read##bytes(void* at) { watch_aligned(at, bytes, Access::read, VLT_CALLER); }   \
  void __tsan_volatile_write##bytes(void* at) { watch_aligned(at, bytes, Access::write, VLT_CALLER); } \
  void __tsan_unaligned_read##bytes(void* at) { watch(at, bytes, Access::read, VLT_CALLER); }          \
  void __tsan_unaligned_write##bytes(void* at) { watch(at, bytes, Access::write, VLT_CALLER); }
extern "C" {
VLT_ACCESS(1)
VLT_ACCESS(2) VLT_ACCESS(4) VLT_ACCESS(8) VLT_ACCESS(16) void __tsan_read_range(void* at, std::size_t bytes) {
  watch(at, bytes, Access::read, VLT_CALLER);
}
void __tsan_write_range(void* at, std::size_t bytes) { watch(at, bytes, Access::write, VLT_CALLER); }
void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void*, void*) {}
void __tsan_vptr_read(void*) {}
// Calls of memory functions: clang sends them here too.
void* __tsan_memcpy(void* to, const void* from, std::size_t bytes) {
  if (bytes > 0) watch(from, bytes, Access::read, VLT_CALLER), watch(to, bytes, Access::write, VLT_CALLER);
  return std::memcpy(to, from, bytes);
}
void* __tsan_memset(void* to, int value, std::size_t bytes) {
  if (bytes > 0) watch(to, bytes, Access::write, VLT_CALLER);
  return std::memset(to, value, bytes);
}
// A guard of a static variable in a kernel's unit.
unsigned char __tsan_atomic8_load(const volatile unsigned char* at, int) {
  return __atomic_load_n(at, __ATOMIC_SEQ_CST);
}

void __ubsan_handle_out_of_bounds_abort(void* what, void*) { undefined(what, "an index outside of its array"); }
void __ubsan_handle_add_overflow_abort(void* what, void*, void*) { undefined(what, "an overflow of +"); }
void __ubsan_handle_sub_overflow_abort(void* what, void*, void*) { undefined(what, "an overflow of -"); }
void __ubsan_handle_mul_overflow_abort(void* what, void*, void*) { undefined(what, "an overflow of *"); }
void __ubsan_handle_negate_overflow_abort(void* what, void*) { undefined(what, "an overflow of -"); }
void __ubsan_handle_divrem_overflow_abort(void* what, void*, void*) { undefined(what, "a division by zero"); }
void __ubsan_handle_type_mismatch_v1_abort(void* what, void*) { undefined(what, "an access", "misaligned"); }
void __ubsan_handle_shift_out_of_bounds_abort(void* what, void*, void*) { undefined(what, "a shift too far"); }
}
