#pragma once
#include <simt/emulator/watch.hpp>
#include <simt/ptx/module.hpp>

namespace vlt::simt::ptx {

// What PTX leaves open: how sums within a tensor core round, and the error of approximate functions. Results must not
// depend on the choice beyond their tolerances.
struct Numerics {
  enum Sum { exact, truncated, backwards, chopped_by_four } sum = exact;
  double noise = 0;  // largest relative error added to results of .approx
};
Numerics& numerics();

// What a thread that runs PTX is given: the kernel, and its parameters right behind.
struct Program {
  const Entry* entry;
  const unsigned char* parameters() const { return reinterpret_cast<const unsigned char*>(this + 1); }
};
// Follows a kernel's instructions as one thread of the emulator.
void run_thread(const Program&);

std::uint64_t instructions_run();

}  // namespace vlt::simt::ptx
