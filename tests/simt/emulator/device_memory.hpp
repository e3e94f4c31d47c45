#pragma once
#include <cstddef>
#include <cstdint>
#include <map>

namespace vlt::simt::emulation {

// What the checker remembers of a byte of device or shared memory: its last write and last read, and in which launches.
struct Cell {
  static constexpr std::uint64_t nowhere = 0, unwritten = 1, written_by_host = 2;  // else the stamp of a write
  std::uint64_t write = nowhere, read = 0;
  std::uint32_t write_launch = 0, read_launch = 0;
};

// The emulated memory of the device: a range of addresses that the host cannot touch while no kernel runs. Between
// allocations lie gaps, every byte nobody wrote is part of a NaN, and what was released is given out again only when
// everything has been.
class DeviceMemory {
 public:
  static DeviceMemory& get();
  DeviceMemory(const DeviceMemory&) = delete;

  void* allocate(std::size_t bytes);
  void release(void* at);
  void copy_from_host(void* to, const void* from, std::size_t bytes);
  void copy_to_host(void* to, const void* from, std::size_t bytes);

  void shadow_bytes();  // from now on there is a cell for each
  bool contains(const void* at) const { return at >= base_ && at < base_ + capacity; }
  Cell* cell(const void* at) const { return cells_ + (static_cast<const char*>(at) - base_); }
  std::size_t live() const { return live_.size(); }

  // While one lives, kernels (and nobody else) can use the memory.
  class Open {
   public:
    Open() { get().protect(++get().open_ > 0); }
    ~Open() { get().protect(--get().open_ > 0); }
    Open(const Open&) = delete;
  };

 private:
  DeviceMemory();
  void protect(bool usable);
  void set_cells(void* at, std::size_t bytes, std::uint64_t write);

  static constexpr std::size_t capacity = std::size_t(1) << 31, gap = 512;
  char* base_ = nullptr;
  Cell* cells_ = nullptr;
  std::size_t end_ = 0;
  int open_ = 0;
  std::map<char*, std::size_t> live_;
};

}  // namespace vlt::simt::emulation
