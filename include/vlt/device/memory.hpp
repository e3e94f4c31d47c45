#pragma once
#include <sys/mman.h>
#include <cstddef>
#include <cstring>
#include <string>
#include <vlt/base/error.hpp>
#include <vlt/base/policy.hpp>

namespace vlt {

// The memory of a device, in bytes: this one is the host's. A device with memory of its own has a specialisation.
template <Device D> struct Memory {
  static_assert(host_code<D>::ok);

  // Zeros straight from the operating system, aligned to a page. A page counts as used only once it has been written,
  // so that what a process occupies is what it has touched. Very large blocks ask for pages of 2 MiB, which are found
  // faster; a system that has none gives ordinary ones.
  static void* allocate(std::size_t bytes) {
    if (bytes == 0) return nullptr;
    void* at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
      throw Error(
          ExitCode::memory,
          Complaint("MEM-ALLOC-001", "the operating system refused memory")
              .expected(std::to_string(bytes) + " bytes")
              .help("ask for less at once: a smaller batch, shorter texts, a smaller model; or end other programs"));
    if (bytes >= very_large) ::madvise(at, bytes, MADV_HUGEPAGE);
    return at;
  }
  // What allocate(bytes) gave; null is nothing.
  static void release(void* at, std::size_t bytes) {
    if (at) ::munmap(at, bytes);
  }
  static void zero(void* at, std::size_t bytes) {
    if (bytes > 0) std::memset(at, 0, bytes);
  }
  static void copy_from_host(void* to, const void* from, std::size_t bytes) { copy(to, from, bytes); }
  static void copy_to_host(void* to, const void* from, std::size_t bytes) { copy(to, from, bytes); }

 private:
  static constexpr std::size_t very_large = 32 << 20;  // bytes: the last page's waste is small against it

  static void copy(void* to, const void* from, std::size_t bytes) {
    if (bytes > 0) std::memcpy(to, from, bytes);
  }
};

}  // namespace vlt
