#pragma once
#include <csignal>

#include <array>
#include <atomic>
#include <cstddef>

namespace vlt {

// Takes TERM, USR1, INT and HUP for a wish to stop soon, as long as it lives. The first of them is noted; a second one
// does what it does by default and ends the process at once. A signal that is ignored, as by nohup, stays so. One at a
// time.
class StopSignals {
 public:
  StopSignals() {
    received_ = 0;
    struct sigaction mine {};
    mine.sa_handler = note, mine.sa_flags = SA_RESTART;
    for (const int s : signals) ::sigaddset(&mine.sa_mask, s);  // one at a time
    for (std::size_t i = 0; i < signals.size(); ++i) {
      ::sigaction(signals[i], nullptr, &before_[i]);
      if (before_[i].sa_handler != SIG_IGN) ::sigaction(signals[i], &mine, nullptr);
    }
  }
  ~StopSignals() {
    for (std::size_t i = 0; i < signals.size(); ++i) ::sigaction(signals[i], &before_[i], nullptr);
  }
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  bool received() const { return received_ != 0; }
  // "SIGTERM"; empty before one came.
  const char* name() const {
    switch (received_) {
      case SIGTERM:
        return "SIGTERM";
      case SIGUSR1:
        return "SIGUSR1";
      case SIGINT:
        return "SIGINT";
      case SIGHUP:
        return "SIGHUP";
      default:
        return "";
    }
  }

 private:
  static constexpr std::array signals{SIGTERM, SIGUSR1, SIGINT, SIGHUP};
  static inline std::atomic<int> received_{0};
  static_assert(std::atomic<int>::is_always_lock_free);  // a handler may touch nothing else
  std::array<struct sigaction, signals.size()> before_{};

  static void note(int signal) {
    if (received_.exchange(signal) == 0) return;
    std::signal(signal, SIG_DFL);
    ::raise(signal);  // comes when this returns
  }
};

}  // namespace vlt
