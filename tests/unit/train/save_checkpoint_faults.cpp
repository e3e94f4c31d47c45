// Every system call of a save fails once, with every error that disks have, and the process dies before every one of
// them: the checkpoint from before, or the finished one, is there, whole.
#include <fcntl.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include "saved_store.hpp"

namespace {

// Which of this program's calls fails, and how. These functions take the place of the C library's.
struct Fault {
  long calls = 0, at = -1;  // at: the number of the call, from 0
  int error = 0;            // 0: the process is killed instead
  bool once = true;         // false: all later calls fail, too, as on a full disk
  bool strikes() {
    const long number = std::atomic_ref(calls).fetch_add(1);  // ranks of other tests save side by side
    if (at < 0 || number < at || (once && number > at)) return false;
    if (error == 0) ::kill(::getpid(), SIGKILL);
    errno = error;
    return true;
  }
} fault;

}  // namespace

extern "C" {
ssize_t write(int to, const void* bytes, size_t n) {
  // a short write, now and then
  return fault.strikes() ? -1 : ::syscall(SYS_write, to, bytes, fault.at >= 0 && n > 4096 ? n / 2 : n);
}
int fsync(int) { return fault.strikes() ? -1 : 0; }  // no disk is waited for here
int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const unsigned mode = (flags & O_CREAT) != 0 ? va_arg(more, unsigned) : 0;
  va_end(more);
  const bool writes = (flags & O_CREAT) != 0;
  return writes && fault.strikes() ? -1 : int(::syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}
int mkdir(const char* path, mode_t mode) noexcept {
  return fault.strikes() ? -1 : int(::syscall(SYS_mkdirat, AT_FDCWD, path, mode));
}
int rename(const char* from, const char* to) noexcept {
  return fault.strikes() ? -1 : int(::syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to));
}
int renameat2(int a, const char* from, int b, const char* to, unsigned flags) noexcept {
  return fault.strikes() ? -1 : int(::syscall(SYS_renameat2, a, from, b, to, flags));
}
int unlinkat(int folder, const char* path, int flags) noexcept {
  return fault.strikes() ? -1 : int(::syscall(SYS_unlinkat, folder, path, flags));
}
}

using namespace saved_store;
using vlt::test::TemporaryFolder;

namespace {

// A run with one checkpoint, about to save the next and to remove the first.
struct Next {
  TemporaryFolder t;
  CheckpointFolder folder{t / "checkpoints"};
  Saving<Precision::f32> saving;
  Next() { saving.save(folder.path_of(4), 4); }

  void save() {
    saving.save(folder.path_of(8), 8);
    folder.prune(8, 1);
  }
  // The calls that it makes when none of them fails.
  long calls() {
    fault = {0, std::numeric_limits<long>::max(), 0, true};
    save();
    return std::exchange(fault, {}).calls;
  }
  Index newest() const {
    return folder.newest([](const Error& e) { FAIL("rejected: " << e.what()); })->step();
  }
};

}  // namespace

TEST_CASE("a save that fails at any system call leaves the checkpoint from before, whole") {
  const long calls = Next().calls();
  REQUIRE(calls > 20);
  for (const int error : {ENOSPC, EIO, EROFS})
    for (const bool once : {true, false})
      for (long at = 0; at < calls; ++at) {
        INFO("call " << at << " of " << calls << ", error " << error << (once ? "" : " from there on"));
        Next next;
        fault = {0, at, error, once};
        bool failed = false;
        try {
          next.save();
        } catch (const Error& e) {
          failed = true;
          CHECK(e.exit() == ExitCode::write);
          CHECK_THAT(e.complaint().code(), Catch::StartsWith("WRITE-"));
        }
        fault = {};
        const Index newest = next.newest();
        CHECK((newest == 8 || (newest == 4 && failed)));
        next.folder.remove_leftovers();
        for (const auto& entry : std::filesystem::directory_iterator(next.t / "checkpoints"))
          CHECK_THAT(entry.path().filename().string(), Catch::StartsWith("step-"));
        next.save();  // and the next attempt finds nothing in its way
        CHECK(next.newest() == 8);
      }
}

TEST_CASE("a write that a signal interrupts goes on") {
  const long calls = Next().calls();
  long interrupted = 0;
  for (long at = 0; at < calls; ++at) {
    Next next;
    fault = {0, at, EINTR, true};
    try {
      next.save();
      ++interrupted;
    } catch (const Error&) {}  // only writes are taken up again
    fault = {};
    CHECK((next.newest() == 8 || next.newest() == 4));
  }
  CHECK(interrupted > 3);
}

TEST_CASE("a process that dies before any system call of a save leaves one checkpoint or the other, whole") {
  const long calls = Next().calls();
  Index before = 0, after = 0;
  for (long at = 0; at < calls; ++at) {
    Next next;
    const ::pid_t child = ::fork();
    if (child == 0) {
      fault = {0, at, 0, true};
      next.save();
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(WIFSIGNALED(status));
    const Index newest = next.newest();
    ++(newest == 4 ? before : after);
    CHECK((newest == 4 || newest == 8));
    next.folder.remove_leftovers();
    CHECK(next.folder.steps().size() <= 2);
    next.save();
    CHECK(next.newest() == 8);
  }
  CHECK(before > 10);
  CHECK(after > 0);
}
