#pragma once
#include <cstring>
#include <simt/emulator/device_memory.hpp>
#include <simt/emulator/watch.hpp>
#include <span>
#include <typeinfo>
#include <vector>
#include <vlt/simt/kernel.hpp>

namespace vlt::simt::test {

// A kernel type that was compiled for the emulator. The units that hold them are compiled apart from the tests: with
// instrumentation, or with another compiler.
struct Instance {
  const std::type_info* type;
  void (*run)(const void* kernel);
};
template <Kernel K> Instance instance_of() {
  return {&typeid(K), [](const void* kernel) { (*static_cast<const K*>(kernel))(); }};
}
std::span<const Instance> instances();   // of the library's kernels
std::span<const Instance> wrong_ones();  // kernels with planted defects, where they are part of the program

// Memory on the emulated device. Without values it is memory that nobody wrote.
template <class T> class DeviceVector {
 public:
  explicit DeviceVector(Index size) : size_(size), at_(static_cast<T*>(memory().allocate(bytes()))) {}
  DeviceVector(const std::vector<T>& values) : DeviceVector(Index(values.size())) {
    memory().copy_from_host(at_, values.data(), bytes());
  }
  DeviceVector(const DeviceVector&) = delete;
  ~DeviceVector() { memory().release(at_); }
  T* data() const { return at_; }
  std::vector<T> values() const {
    std::vector<T> all(static_cast<std::size_t>(size_));
    memory().copy_to_host(all.data(), at_, bytes());
    return all;
  }

 private:
  static emulation::DeviceMemory& memory() { return emulation::DeviceMemory::get(); }
  std::size_t bytes() const { return std::size_t(size_) * sizeof(T); }
  Index size_;
  T* at_;
};

// Runs a kernel on the source that was compiled into the program or, where VLT_TEST_PTX names a file, on the PTX that
// nvcc made of it. Throws emulation::Violation.
void launch(const std::type_info& type, const void* kernel, std::size_t bytes, Grid grid, unsigned threads,
            std::size_t shared_bytes);
template <Kernel K> void launch(const K& kernel) {
  launch(typeid(K), &kernel, sizeof kernel, kernel.grid(), K::threads, shared_bytes(kernel));
}

// Calls f under several orders of threads and blocks, asynchronous copies landing early or late.
template <class F> void under_all_schedules(F&& f) {
  using emulation::Schedule;
  for (const auto schedule : {Schedule::forward, Schedule::reverse, Schedule::random}) {
    emulation::options().schedule = schedule, emulation::options().seed += 1;
    emulation::options().late_copies = schedule != Schedule::reverse;
    f();
  }
  emulation::options().schedule = Schedule::forward, emulation::options().late_copies = true;
}

}  // namespace vlt::simt::test
