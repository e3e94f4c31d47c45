#pragma once
#include <algorithm>
#include <cstddef>
#include <fstream>
#include <limits>
#include <string>

namespace vlt {

// A number of KiB that the kernel reports under `key` in a file such as /proc/meminfo, in bytes; 0 if it is not there.
inline std::size_t reported_kib(const char* file, const std::string& key) {
  std::ifstream in(file);
  for (std::string word; in >> word;)
    if (word == key) {
      std::size_t kib = 0;
      return in >> kib ? kib * 1024 : 0;
    }
  return 0;
}

// Memory this process has written to and that no file backs: what a plan foretells.
inline std::size_t anonymous_memory() { return reported_kib("/proc/self/status", "RssAnon:"); }

// The most memory this process ever held at once, mapped files included.
inline std::size_t peak_memory() { return reported_kib("/proc/self/status", "VmHWM:"); }

// What this process may still use: free memory of the machine, or what its control group leaves, if that is less.
inline std::size_t available_memory() {
  std::size_t limit = reported_kib("/proc/meminfo", "MemAvailable:");
  const auto number = [](const char* file) {
    std::size_t n = 0;
    std::ifstream in(file);
    return in >> n ? n : std::numeric_limits<std::size_t>::max();
  };
  const std::size_t group = number("/sys/fs/cgroup/memory.max"), used = number("/sys/fs/cgroup/memory.current");
  if (group != std::numeric_limits<std::size_t>::max() && used <= group) limit = std::min(limit, group - used);
  return limit;
}

}  // namespace vlt
