#pragma once
#include <span>
#include <utility>
#include <vlt/device/memory.hpp>
#include <vlt/io/file_memory.hpp>
#include <vlt/tensor/address.hpp>

namespace vlt {

// A large block of zeros in the memory of a device, aligned to a page (Memory::allocate).
template <class T, Device D> class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(Index count)
      : data_(static_cast<T*>(Memory<D>::allocate(std::size_t(count) * sizeof(T)))), count_(count) {}
  // The same in files, which take its place in a host's memory.
  Buffer(Index count, const FileMemory& files)
      : data_(static_cast<T*>(files.allocate(std::size_t(count) * sizeof(T)))), count_(count) {
    static_assert(host_code<D>::ok);
  }
  ~Buffer() { Memory<D>::release(data_, bytes()); }
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), count_(std::exchange(other.count_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_), std::swap(count_, other.count_);
    return *this;
  }

  T* data() const { return data_; }  // only code for D may follow it
  Address<T, D> address(Index at = 0) const { return Address<T, D>(data_).after(at); }
  Index size() const { return count_; }
  std::size_t bytes() const { return std::size_t(count_) * sizeof(T); }
  std::span<T> part(Index begin, Index count) const {
    static_assert(host_code<D>::ok);
    return {data_ + begin, std::size_t(count)};
  }

  void zero() { Memory<D>::zero(data_, bytes()); }
  // Elements from `at` on become `from`; and the other way.
  void copy_from_host(std::span<const T> from, Index at = 0) {
    require_inside(at, from.size());
    Memory<D>::copy_from_host(data_ + at, from.data(), from.size_bytes());
  }
  void copy_to_host(std::span<T> to, Index at = 0) const {
    require_inside(at, to.size());
    Memory<D>::copy_to_host(to.data(), data_ + at, to.size_bytes());
  }

 private:
  void require_inside(Index at, std::size_t count) const {
    require(at >= 0 && at <= count_ && Index(count) <= count_ - at, "a copy reaches beyond its buffer");
  }

  T* data_ = nullptr;
  Index count_ = 0;
};

}  // namespace vlt
