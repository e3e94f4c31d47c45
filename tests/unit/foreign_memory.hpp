#pragma once
#include <cstdlib>
#include <cstring>
#include <map>
#include <vlt/device/memory.hpp>

// A device with memory of its own, played by the host: what is brought there is a copy, and every copy is counted.
struct ForeignMemory {
  static inline std::map<void*, std::size_t> blocks;  // and their bytes
  static inline int to_device = 0, to_host = 0;       // copies

  static bool holds(const void* at) {
    for (const auto& [begin, bytes] : blocks)
      if (at >= begin && at < static_cast<std::byte*>(begin) + bytes) return true;
    return false;
  }
};

template <> struct vlt::Memory<vlt::Device::cuda> {
  static void* allocate(std::size_t bytes) {
    if (bytes == 0) return nullptr;
    void* const at = std::aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
    std::memset(at, 0, bytes);
    ForeignMemory::blocks[at] = bytes;
    return at;
  }
  static void release(void* at, std::size_t) {
    ForeignMemory::blocks.erase(at);
    std::free(at);
  }
  static void zero(void* at, std::size_t bytes) { std::memset(at, 0, bytes); }
  static void copy_from_host(void* to, const void* from, std::size_t bytes) {
    ++ForeignMemory::to_device;
    if (bytes > 0) std::memcpy(to, from, bytes);
  }
  static void copy_to_host(void* to, const void* from, std::size_t bytes) {
    ++ForeignMemory::to_host;
    if (bytes > 0) std::memcpy(to, from, bytes);
  }
};
