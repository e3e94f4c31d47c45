#pragma once
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vlt/simt/emulation.hpp>

namespace vlt::simt::emulation {

// The order in which threads go on, and blocks run.
enum class Schedule { forward, reverse, random };

// How a launch is carried out: all choices are legal on a device.
struct Options {
  Schedule schedule = Schedule::forward;
  std::uint64_t seed = 1;
  bool late_copies = true;        // asynchronous copies land when they are waited for; else at once
  bool check_initialised = true;  // reads of memory that nobody wrote are violations, where accesses are seen
};
Options& options();

// A kernel did what no kernel may do.
struct Violation : std::runtime_error {
  Violation(std::string kind_, const std::string& text) : std::runtime_error(text), kind(std::move(kind_)) {}
  std::string kind;
};

// Is told of every access that kernels make; null: nobody watches. `from`: the instruction, null if the site says it.
using Watcher = void (*)(const void* at, std::size_t bytes, Access, const void* from);
Watcher& watcher();

std::string formatted(const char* format, ...) __attribute__((format(printf, 1, 2)));

// What is launched: `run` is called once for each thread, with `parameters`.
struct Launch {
  void (*run)(const void*);
  const void* parameters;
  std::size_t parameter_bytes;
  Size3 grid;
  unsigned threads;
  std::size_t shared_bytes;
  std::string name;
  std::uint32_t number = 0;  // counts launches
};
// Runs all blocks, one after the other; throws Violation.
void launch(Launch);

}  // namespace vlt::simt::emulation
