#pragma once
#include <sys/mman.h>
#include <span>
#include <string>
#include <utility>
#include <vlt/base/config.hpp>
#include <vlt/base/error.hpp>

namespace vlt {

// A large block of zeros straight from the operating system. A page counts as used only once it has been written, so
// that what a process occupies is what it has touched. Aligned to a page. Very large blocks ask for pages of 2 MiB,
// which are found faster; a system that has none gives ordinary ones.
template <class T> class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(Index count) : count_(count) {
    if (count_ == 0) return;
    void* at = ::mmap(nullptr, bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
      throw Error(ExitCode::memory,
                  Complaint("MEM-ALLOC-001", "the operating system refused memory")
                      .expected(std::to_string(bytes()) + " bytes")
                      .help("use a smaller batch, fewer trained parameters or --gradient_checkpointing"));
    data_ = static_cast<T*>(at);
    if (bytes() >= very_large) ::madvise(at, bytes(), MADV_HUGEPAGE);
  }
  ~Buffer() {
    if (data_) ::munmap(data_, bytes());
  }
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), count_(std::exchange(other.count_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_), std::swap(count_, other.count_);
    return *this;
  }

  T* data() const { return data_; }
  Index size() const { return count_; }
  std::size_t bytes() const { return std::size_t(count_) * sizeof(T); }
  std::span<T> part(Index begin, Index count) const { return {data_ + begin, std::size_t(count)}; }

 private:
  static constexpr std::size_t very_large = 32 << 20;  // bytes: the last page's waste is small against it

  T* data_ = nullptr;
  Index count_ = 0;
};

}  // namespace vlt
