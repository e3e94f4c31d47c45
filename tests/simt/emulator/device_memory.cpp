#include <sys/mman.h>
#include <cstring>
#include <new>
#include <simt/emulator/device_memory.hpp>
#include <simt/emulator/fiber.hpp>
#include <stdexcept>

namespace vlt::simt::emulation {
namespace {
constexpr std::size_t page = 4096;

// Addresses only: pages appear when they are written.
void* reserve(std::size_t bytes, int protection) {
  void* const at = ::mmap(nullptr, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) throw std::bad_alloc();
  return at;
}
}  // namespace

DeviceMemory& DeviceMemory::get() {
  static DeviceMemory& memory = *new DeviceMemory;  // outlives every static object that may hold some of it
  return memory;
}
DeviceMemory::DeviceMemory() : base_(static_cast<char*>(reserve(capacity, PROT_NONE))) {}

void DeviceMemory::shadow_bytes() {
  if (!cells_) cells_ = static_cast<Cell*>(reserve(capacity * sizeof(Cell), PROT_READ | PROT_WRITE));
}
void DeviceMemory::set_cells(void* at, std::size_t bytes, std::uint64_t write) {
  if (!cells_) return;
  for (Cell* c = cell(at); c != cell(at) + bytes; ++c) *c = {write, 0, 0, 0};
}
void DeviceMemory::protect(bool usable) {
  ::mprotect(base_, (end_ + gap + page - 1) / page * page, usable ? PROT_READ | PROT_WRITE : PROT_NONE);
}

void* DeviceMemory::allocate(std::size_t bytes) {
  end_ = (end_ + gap + 255) / 256 * 256;
  if (end_ + bytes + gap > capacity) throw std::bad_alloc();
  char* const at = base_ + end_;
  end_ += bytes;
  live_[at] = bytes;
  set_cells(at, bytes, Cell::unwritten);
  ASAN_UNPOISON_MEMORY_REGION(at, bytes);
  const Open open;
  std::memset(at, 0xff, bytes);
  ASAN_POISON_MEMORY_REGION(at - gap / 2, gap / 2);
  ASAN_POISON_MEMORY_REGION(at + bytes, gap / 2);
  return at;
}
void DeviceMemory::release(void* at) {
  const auto found = live_.find(static_cast<char*>(at));
  if (found == live_.end()) throw std::invalid_argument("device memory was released that nobody has");
  set_cells(at, found->second, Cell::nowhere);
  ASAN_POISON_MEMORY_REGION(at, found->second);
  live_.erase(found);
  if (live_.empty()) end_ = 0;
}
void DeviceMemory::copy_from_host(void* to, const void* from, std::size_t bytes) {
  const Open open;
  std::memcpy(to, from, bytes);
  set_cells(to, bytes, Cell::written_by_host);
}
void DeviceMemory::copy_to_host(void* to, const void* from, std::size_t bytes) {
  const Open open;
  std::memcpy(to, from, bytes);
}

}  // namespace vlt::simt::emulation
