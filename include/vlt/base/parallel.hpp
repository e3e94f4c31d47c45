#pragma once
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>
#include <vlt/base/config.hpp>

namespace vlt {

// A fixed team of threads, the caller included, that works on one loop at a time. Work is cut by position, never by who
// is free, so that results do not depend on timing. Nothing is allocated after construction.
class Threads {
 public:
  explicit Threads(int count = 1) : count_(std::max(1, count)) {
    if (count_ == 1) return;
    shared_ = std::make_unique<Shared>();
    for (int i = 1; i < count_; ++i) workers_.emplace_back([this, i] { serve(i); });
  }
  ~Threads() {
    if (count_ == 1) return;
    shared_->stop = true;
    announce();
    for (auto& w : workers_) w.join();
  }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

  int count() const { return count_; }

  // Calls f(thread, count) once on every thread of the team. Must not be called from inside itself; f must not throw.
  template <class F> void run(F&& f) {
    if (count_ == 1) return f(0, 1);
    using Body = std::remove_reference_t<F>;
    shared_->body = const_cast<void*>(static_cast<const void*>(std::addressof(f)));
    shared_->call = [](void* body, int thread, int count) { (*static_cast<Body*>(body))(thread, count); };
    shared_->left.store(count_ - 1, std::memory_order_relaxed);
    announce();
    f(0, count_);
    wait_until([&] { return shared_->left.load(std::memory_order_acquire) == 0; }, shared_->left);
  }

  // Calls f(begin, end) for at most count() ranges that cover [0, n); borders are multiples of `grain`, and a range has
  // at least that many elements, so that small loops stay on one thread.
  template <class F> void ranges(Index n, Index grain, F&& f) {
    const Index blocks = (n + grain - 1) / grain;
    if (blocks <= 0) return;
    if (count_ == 1 || blocks == 1) return f(Index(0), n);
    run([&](int thread, int count) {
      const Index begin = blocks * thread / count * grain, end = std::min(n, blocks * (thread + 1) / count * grain);
      if (begin < end) f(begin, end);
    });
  }

 private:
  struct Shared {
    std::atomic<std::uint32_t> turn{0};
    std::atomic<std::int32_t> left{0};
    void* body = nullptr;
    void (*call)(void*, int, int) = nullptr;
    bool stop = false;
  };

  // A short spin covers the gap between two operations of a step; then the kernel takes over.
  template <class Done, class T> static void wait_until(Done&& done, std::atomic<T>& word) {
    for (int spin = 0; spin < 2000; ++spin)
      if (done()) return;
    for (T seen = word.load(); !done(); seen = word.load()) word.wait(seen);
  }
  void announce() {
    shared_->turn.fetch_add(1, std::memory_order_release);
    shared_->turn.notify_all();
  }
  void serve(int thread) {
    for (std::uint32_t seen = 0;;) {
      wait_until([&] { return shared_->turn.load(std::memory_order_acquire) != seen; }, shared_->turn);
      seen = shared_->turn.load(std::memory_order_acquire);
      if (shared_->stop) return;
      shared_->call(shared_->body, thread, count_);
      if (shared_->left.fetch_sub(1, std::memory_order_acq_rel) == 1) shared_->left.notify_one();
    }
  }

  int count_;
  std::unique_ptr<Shared> shared_;
  std::vector<std::thread> workers_;
};

}  // namespace vlt
