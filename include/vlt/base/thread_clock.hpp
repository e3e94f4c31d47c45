#pragma once
#include <ctime>

namespace vlt {

// CPU seconds that the calling thread has used. A thread's own clock is exact at any moment; that of the whole process
// learns of threads on other cores only now and then.
inline double thread_seconds() {
  timespec t{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
}

}  // namespace vlt
