#pragma once
#include <cstddef>
#include <cstdint>

// What the host's bodies of the vocabulary call. Here are declarations only: the emulator is linked by those who run
// kernels on the host (tests/simt), and is compiled without the instrumentation that watches kernels.
namespace vlt::simt::emulation {

struct Size3 {
  unsigned x, y, z;
};

// What a thread of a kernel may know of itself.
struct ThreadView {
  Size3 block, grid;           // index of its block; blocks of the launch
  unsigned threads;            // of its block
  unsigned index, lane, warp;  // of the thread in its block
};

// Where in the source something is asked for, and what: reports name it.
struct Site {
  const char* file;
  int line;
  const char* operation;
};

enum class Access : int { read, write, atomic };

// What the lanes of a warp do together: called once, by the lane that arrives last, with every lane's arguments.
using LaneFunction = void (*)(void* const* arguments, std::uint32_t mask);

const ThreadView& this_thread();
void sync_block(Site);
// Lanes of `mask` meet. orders_memory: what each wrote before is seen by the others after.
void meet(std::uint32_t mask, LaneFunction together, void* arguments, bool orders_memory, Site);
// Shared memory of the block, piece by piece: every thread asks for the same pieces in the same order.
void* take_shared(std::size_t bytes, Site);
void start_taking_shared();
void copy_async(void* shared, const void* global, unsigned bytes, unsigned bytes_read, Site);
void commit_copies();
void wait_for_copies(unsigned groups_left);
// Reports an access of a whole vector, whose address must be a multiple of its size.
void touch(const void* at, std::size_t bytes, Access, Site);
// Calls change(at, argument) while no other thread is within it.
void change_atomically(void* at, std::size_t bytes, void (*change)(void* at, void* argument), void* argument, Site);
[[noreturn]] void fail(const char* kind, const char* format, ...) __attribute__((format(printf, 2, 3)));

}  // namespace vlt::simt::emulation
