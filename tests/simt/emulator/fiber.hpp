#pragma once
#include <cstddef>
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace vlt::simt::emulation {

#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool under_asan = true;
#else
inline constexpr bool under_asan = false;
#define ASAN_POISON_MEMORY_REGION(at, bytes) ((void)(at), (void)(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(at, bytes) ((void)(at), (void)(bytes))
#endif

// A stack of its own on which a thread of a kernel runs: it stops in the middle and goes on later.
class Fiber {
 public:
  Fiber();
  Fiber(const Fiber&) = delete;
  ~Fiber();

  // The next switch to it calls `start`, which never returns.
  void prepare(void (*start)());
  bool owns(const void* at) const;

  // Stops here, goes on there. A dying fiber is not come back to. Null stands for the caller of the first switch.
  static void switch_from_to(Fiber* from, Fiber* to, bool dying = false);
  // What `start` says first.
  static void begun() { arrived(nullptr); }

 private:
  static constexpr std::size_t stack_bytes = 256 * 1024, guard_bytes = 4096;
  char* memory_ = nullptr;
  void* top_ = nullptr;         // where it stopped
  void* fake_stack_ = nullptr;  // of the address sanitizer

  char* stack() const { return memory_ + guard_bytes; }
  static void arrived(void* fake_stack);
};

}  // namespace vlt::simt::emulation
