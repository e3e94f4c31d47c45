#pragma once
#include <algorithm>
#include <cstddef>
#include <new>
#include <optional>
#include <vlt/tensor/buffer.hpp>

namespace vlt {

// Two-ended stack over one block of a device's memory: `keep` (saved for backward) grows up, `temp` grows down.
// Built without memory it plans: only offsets move, and peak() is the memory the same calls will need.
class Arena {
 public:
  Arena() : planning_(true) {}
  // All of a buffer, or its first `bytes`. The buffer must stay.
  template <Device D> explicit Arena(const Buffer<std::byte, D>& memory) : Arena(memory, memory.bytes()) {}
  template <Device D>
  Arena(const Buffer<std::byte, D>& memory, std::size_t bytes) : base_(memory.data()), limit_(bytes), device_(D) {
    require(bytes <= memory.bytes(), "an arena cannot be larger than its buffer");
  }

  struct Mark {
    std::size_t keep = 0, temp = 0;
  };
  Mark mark() const { return {keep_, temp_}; }
  void release_keep(Mark m) { keep_ = m.keep; }
  void release_temp(Mark m) { temp_ = m.temp; }

  bool planning() const { return planning_; }  // a mode of its own: a model may legitimately need 0 bytes
  std::size_t peak() const { return peak_; }

  template <class T, Device D> Address<T, D> keep(Index n) {
    const std::size_t at = keep_;
    keep_ += rounded(n * sizeof(T));
    return claim<T, D>(at);
  }
  template <class T, Device D> Address<T, D> temp(Index n) {
    temp_ += rounded(n * sizeof(T));
    return claim<T, D>(limit_ - temp_);
  }

  static constexpr std::size_t granule = 64;

 private:
  static constexpr std::size_t rounded(std::size_t n) { return (n + granule - 1) / granule * granule; }
  template <class T, Device D> Address<T, D> claim(std::size_t offset) {
    peak_ = std::max(peak_, keep_ + temp_);
    require_memory_of(D);
    if (planning_) return nullptr;
    if (keep_ + temp_ > limit_) throw std::bad_alloc{};
    return Address<T, D>(reinterpret_cast<T*>(base_ + offset));
  }
  void require_memory_of(Device d) {
    if (!device_) device_ = d;
    require(same_memory(*device_, d), "a matrix was asked from an arena that lies in the memory of another device");
  }

  std::byte* base_ = nullptr;
  std::size_t limit_ = 0, keep_ = 0, temp_ = 0, peak_ = 0;
  std::optional<Device> device_;  // whose memory it is; of a plan, what was asked first
  bool planning_ = false;
};

}  // namespace vlt
