#pragma once
#include <algorithm>
#include <cstddef>
#include <new>
#include <vlt/tensor/matrix.hpp>

namespace vlt {

// Two-ended stack over one block of memory: `keep` (saved for backward) grows up, `temp` grows down.
// Built without memory it plans: only offsets move, and peak() is the memory the same calls will need.
class Arena {
 public:
  Arena() : planning_(true) {}
  Arena(std::byte* base, std::size_t bytes) : base_(base), limit_(bytes) {}

  struct Mark {
    std::size_t keep = 0, temp = 0;
  };
  Mark mark() const { return {keep_, temp_}; }
  void release_keep(Mark m) { keep_ = m.keep; }
  void release_temp(Mark m) { temp_ = m.temp; }

  bool planning() const { return planning_; }  // a mode of its own: a model may legitimately need 0 bytes
  std::size_t peak() const { return peak_; }

  template <class T> T* keep(Index n) {
    const std::size_t at = keep_;
    keep_ += rounded(n * sizeof(T));
    return claim<T>(at);
  }
  template <class T> T* temp(Index n) {
    temp_ += rounded(n * sizeof(T));
    return claim<T>(limit_ - temp_);
  }

  static constexpr std::size_t granule = 64;

 private:
  static constexpr std::size_t rounded(std::size_t n) { return (n + granule - 1) / granule * granule; }
  template <class T> T* claim(std::size_t offset) {
    peak_ = std::max(peak_, keep_ + temp_);
    if (planning_) return nullptr;
    if (keep_ + temp_ > limit_) throw std::bad_alloc{};
    return reinterpret_cast<T*>(base_ + offset);
  }

  std::byte* base_ = nullptr;
  std::size_t limit_ = 0, keep_ = 0, temp_ = 0, peak_ = 0;
  bool planning_ = false;
};

}  // namespace vlt
