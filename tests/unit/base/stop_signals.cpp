// A signal that asks a run to stop is noted once; the next one ends the process.
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>
#include <vlt/base/stop_signals.hpp>

using vlt::StopSignals;

namespace {

// How a child process ends that runs f: its exit code, or 128 and its signal.
template <class F> int ending_of(F&& f) {
  const ::pid_t child = ::fork();
  if (child == 0) ::_exit(f());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
const int all[] = {SIGTERM, SIGUSR1, SIGINT, SIGHUP};

// Whoever runs tests in the background ignores some of them, and programs inherit that.
const bool heard = [] {
  for (const int s : all) std::signal(s, SIG_DFL);
  return true;
}();

}  // namespace

TEST_CASE("the first of the signals is noted by its name") {
  REQUIRE(heard);
  const char* names[] = {"SIGTERM", "SIGUSR1", "SIGINT", "SIGHUP"};
  for (int i = 0; i < 4; ++i) {
    StopSignals signals;
    CHECK_FALSE(signals.received());
    CHECK(signals.name() == std::string());
    ::raise(all[i]);
    CHECK(signals.received());
    CHECK(signals.name() == std::string(names[i]));
  }
  CHECK_FALSE(StopSignals().received());
}

TEST_CASE("a second signal of any kind ends the process as that signal does") {
  for (const int first : all)
    for (const int second : all)
      CHECK(ending_of([=] {
              const StopSignals signals;
              ::raise(first);
              ::raise(second);
              return 0;
            }) == 128 + second);
}

TEST_CASE("signals have their old meaning before and after") {
  CHECK(ending_of([] {
          { const StopSignals signals; }
          ::raise(SIGUSR1);
          return 0;
        }) == 128 + SIGUSR1);
}

TEST_CASE("a signal that is ignored stays ignored") {
  CHECK(ending_of([] {
          std::signal(SIGHUP, SIG_IGN);
          const StopSignals signals;
          ::raise(SIGHUP);
          ::raise(SIGHUP);
          return signals.received() ? 1 : 0;
        }) == 0);
}
