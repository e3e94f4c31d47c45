#pragma once
#include <cstddef>
#include <cstring>
#include <vector>
#include <vlt/base/config.hpp>

// Aligned work memory of exactly the size asked for, full of NaNs, with a guard behind it.
class WorkMemory {
 public:
  explicit WorkMemory(vlt::Index bytes) : bytes_(bytes), memory_(std::size_t(bytes) + 192) {
    std::memset(data(), 0xff, std::size_t(bytes) + 64);
  }
  std::byte* data() {
    const auto at = reinterpret_cast<std::uintptr_t>(memory_.data());
    return memory_.data() + ((at + 63) / 64 * 64 - at);
  }
  bool guard_intact() {
    for (int i = 0; i < 64; ++i)
      if (data()[bytes_ + i] != std::byte(0xff)) return false;
    return true;
  }

 private:
  vlt::Index bytes_;
  std::vector<std::byte> memory_;
};
