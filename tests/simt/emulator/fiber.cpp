#include <sys/mman.h>
#include <new>
#include <simt/emulator/fiber.hpp>

// Saves the registers that a callee must keep, changes the stack, takes them back (System V ABI, x86-64): 8 ns, where
// swapcontext() asks the operating system and takes 230.
extern "C" void vlt_switch_stack(void** save, void* load);
asm(R"(
.text
.globl vlt_switch_stack
.type vlt_switch_stack,@function
vlt_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp,(%rdi)
  movq %rsi,%rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size vlt_switch_stack,.-vlt_switch_stack
)");

namespace vlt::simt::emulation {
namespace {

// The stack of whoever made the first switch.
struct Caller {
  void* top = nullptr;
  void* fake_stack = nullptr;
  const void* stack = nullptr;
  std::size_t bytes = 0;
  bool leaving = false;
};
thread_local Caller caller;

}  // namespace

Fiber::Fiber() {
  void* const at = ::mmap(nullptr, guard_bytes + stack_bytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) throw std::bad_alloc();
  memory_ = static_cast<char*>(at);
  ::mprotect(memory_, guard_bytes, PROT_NONE);
}
Fiber::~Fiber() {
  ASAN_UNPOISON_MEMORY_REGION(stack(), stack_bytes);
  ::munmap(memory_, guard_bytes + stack_bytes);
}

void Fiber::prepare(void (*start)()) {
  ASAN_UNPOISON_MEMORY_REGION(stack(), stack_bytes);
  void** top = reinterpret_cast<void**>(stack() + stack_bytes);
  *--top = nullptr;  // a return address for `start`, which has none: its frame is aligned as the ABI wants it
  *--top = reinterpret_cast<void*>(start);
  for (int i = 0; i < 6; ++i) *--top = nullptr;
  top_ = top;
}

bool Fiber::owns(const void* at) const {
  return static_cast<const char*>(at) >= stack() && static_cast<const char*>(at) < stack() + stack_bytes;
}

void Fiber::switch_from_to(Fiber* from, Fiber* to, [[maybe_unused]] bool dying) {
#if defined(__SANITIZE_ADDRESS__)
  if (!from) caller.leaving = true;
  __sanitizer_start_switch_fiber(dying  ? nullptr
                                 : from ? &from->fake_stack_
                                        : &caller.fake_stack,
                                 to ? to->stack() : caller.stack, to ? stack_bytes : caller.bytes);
#endif
  vlt_switch_stack(from ? &from->top_ : &caller.top, to ? to->top_ : caller.top);
  arrived(from ? from->fake_stack_ : caller.fake_stack);
}

void Fiber::arrived([[maybe_unused]] void* fake_stack) {
#if defined(__SANITIZE_ADDRESS__)
  const void* stack;
  std::size_t bytes;
  __sanitizer_finish_switch_fiber(fake_stack, &stack, &bytes);
  if (caller.leaving) caller.stack = stack, caller.bytes = bytes, caller.leaving = false;
#endif
}

}  // namespace vlt::simt::emulation
