#pragma once
#include <sys/mman.h>
#include <cstdlib>
#include <vlt/io/write_file.hpp>

namespace vlt {

// Memory that lies in files of a folder: the system keeps of it what it has room for. The room on the disk is reserved
// before a block is given out, so that using the block cannot fail for want of it; and the files have no names, so that
// nobody else changes them, and they end with the process, however it ends.
class FileMemory {
 public:
  explicit FileMemory(std::string folder) : folder_(std::move(folder)) {}

  // Zeros, aligned to a page; munmap() releases them. WRITE-OFFLOAD-007 (exit 6) if the disk has no room.
  void* allocate(std::size_t bytes) const {
    if (bytes == 0) return nullptr;
    std::string name = folder_ + "/.offload-XXXXXX";
    const int descriptor = ::mkostemp(name.data(), O_CLOEXEC);
    if (descriptor < 0) refuse_lack_of_descriptors(errno, folder_), refuse(errno, bytes);
    ::unlink(name.c_str());
    int problem = EINTR;
    while (problem == EINTR) problem = ::posix_fallocate(descriptor, 0, ::off_t(bytes));
    void* at = MAP_FAILED;
    if (problem == 0) {
      at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
      if (at == MAP_FAILED) problem = errno;
    }
    ::close(descriptor);
    if (problem != 0) refuse(problem, bytes);
    return at;
  }

 private:
  std::string folder_;

  [[noreturn]] void refuse(int error, std::size_t bytes) const {
    const bool full = error == ENOSPC || error == EDQUOT;
    throw Error(ExitCode::write,
                Complaint("WRITE-OFFLOAD-007", "there is no room on the disk for what --offload keeps there")
                    .at(folder_)
                    .expected("room for " + std::to_string(bytes) + " bytes")
                    .found(errno_text(error) + (full ? writing::shown_space(folder_) : ""))
                    .help("free some space, name an --output_dir on another disk, or leave --offload out")
                    .note("nothing was trained"));
  }
};

}  // namespace vlt
