#pragma once
#include <sched.h>

#include <cstddef>
#include <string>
#include <thread>
#include <vector>

namespace vlt {

namespace cores {

// The kernel's set of cores as a bit mask, long enough for this machine.
struct Mask {
  std::vector<unsigned long> words;
  static constexpr std::size_t bits = 8 * sizeof(unsigned long);
  explicit Mask(std::size_t words_) : words(words_, 0) {}

  std::size_t bytes() const { return words.size() * sizeof(unsigned long); }
  ::cpu_set_t* set() { return reinterpret_cast<::cpu_set_t*>(words.data()); }
};

}  // namespace cores

// The cores that this thread may run on, and threads that it starts; ascending. A launcher that binds a process leaves
// it fewer than the machine has, which std::thread::hardware_concurrency() does not know.
inline std::vector<int> allowed_cores() {
  std::vector<int> all;
  for (std::size_t words = 16; words <= 1024 && all.empty(); words *= 4) {  // 65,536 cores
    cores::Mask mask(words);
    if (::sched_getaffinity(0, mask.bytes(), mask.set()) != 0) continue;
    for (std::size_t i = 0; i < words * cores::Mask::bits; ++i)
      if (mask.words[i / cores::Mask::bits] >> (i % cores::Mask::bits) & 1) all.push_back(int(i));
  }
  for (int i = 0; all.empty() && i < int(std::thread::hardware_concurrency()); ++i) all.push_back(i);
  return all.empty() ? std::vector<int>{0} : all;
}

// From now on this thread runs on these cores only, and so do threads that it starts. False if the system refuses.
inline bool run_on(const std::vector<int>& wanted) {
  if (wanted.empty()) return false;
  cores::Mask mask(std::size_t(wanted.back()) / cores::Mask::bits + 1);
  for (const int c : wanted)
    mask.words[std::size_t(c) / cores::Mask::bits] |= 1ul << (std::size_t(c) % cores::Mask::bits);
  return ::sched_setaffinity(0, mask.bytes(), mask.set()) == 0;
}

// Ascending numbers as people write them: "0-3,8".
inline std::string shown_cores(const std::vector<int>& cores) {
  std::string text;
  for (std::size_t i = 0; i < cores.size();) {
    std::size_t last = i;
    while (last + 1 < cores.size() && cores[last + 1] == cores[last] + 1) ++last;
    text += (text.empty() ? "" : ",") + std::to_string(cores[i]);
    if (last > i) text += "-" + std::to_string(cores[last]);
    i = last + 1;
  }
  return text;
}

}  // namespace vlt
