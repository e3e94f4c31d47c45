#pragma once
#include <atomic>
#include <barrier>
#include <exception>
#include <limits>
#include <thread>
#include <vector>
#include <vlt/dist/world.hpp>

namespace vlt::dist {

// Ranks as threads of one process: what several machines do, on one, for tests and debugging.
class ThreadGroup {
 public:
  // One rank's end of the group.
  class Rank final : public World {
   public:
    Rank(ThreadGroup& group, int rank) : group_(group), rank_(rank) {}
    int rank() const override { return rank_; }
    int size() const override { return int(group_.shown_.size()); }

    void barrier() override {
      if (!left_) group_.barrier_.arrive_and_wait();
      ++barriers_;
      if (left_ || group_.somebody_left_before(barriers_))
        throw Error(ExitCode::peer, Complaint("PEER-FAIL-001", "another rank failed"));
    }
    void abort(ExitCode = ExitCode::peer) noexcept override {
      if (std::exchange(left_, true)) return;
      group_.barriers_[rank_] = barriers_;
      group_.barrier_.arrive_and_drop();
    }

   private:
    // Every rank sums one part, then reads the others'.
    void add_everywhere(const Addends& a) override {
      with_type(a, [&]<class T>(const T*, T* x) {
        const auto part = [&](int r) { return a.count * r / size(); };
        show(x);
        sum<T>(x + part(rank_), part(rank_), part(rank_ + 1));
        barrier();
        for (int r = 0; r < size(); ++r)
          if (r != rank_) std::copy(seen<T>(r) + part(r), seen<T>(r) + part(r + 1), x + part(r));
        barrier();
      });
    }
    void add_share(const Addends& a) override {
      with_type(a, [&]<class T>(const T* in, T* out) {
        show(in);
        sum<T>(out, a.count * rank_, a.count * (rank_ + 1));
        barrier();
      });
    }
    void gather(std::span<const std::byte> in, std::span<std::byte> out) override {
      show(in.data());
      for (int r = 0; r < size(); ++r) {
        std::byte* to = out.data() + r * in.size();
        if (to != seen<std::byte>(r)) std::copy_n(seen<std::byte>(r), in.size(), to);
      }
      barrier();
    }
    void send(std::span<std::byte> x, int from) override {
      show(x.data());
      if (rank_ != from) std::copy_n(seen<std::byte>(from), x.size(), x.data());
      barrier();
    }

    void show(const void* p) { group_.shown_[rank_] = p, barrier(); }
    template <class T> const T* seen(int r) const { return static_cast<const T*>(group_.shown_[r]); }
    template <class T> void sum(T* to, std::size_t begin, std::size_t end) {
      for (std::size_t i = begin; i < end; ++i) {
        T total{};
        for (int r = 0; r < size(); ++r) total += seen<T>(r)[i];
        to[i - begin] = total;
      }
    }
    ThreadGroup& group_;
    int rank_;
    long barriers_ = 0;  // that it has passed
    bool left_ = false;
  };

  // Runs f(world) on `ranks` threads and waits for all of them. If one throws, or returns while others still count on
  // it, those stop at their next collective call; the first exception reaches the caller.
  template <class F> static void run(int ranks, F&& f) {
    ThreadGroup group(ranks);
    std::vector<std::thread> threads;
    for (int r = 0; r < ranks; ++r) threads.emplace_back([&, r] { group.serve(r, f); });
    for (auto& t : threads) t.join();
    if (group.first_) std::rethrow_exception(group.first_);
  }

 private:
  static constexpr long all = std::numeric_limits<long>::max();

  explicit ThreadGroup(int ranks) : barrier_(ranks), shown_(ranks), barriers_(ranks) {
    for (auto& b : barriers_) b = all;
  }

  template <class F> void serve(int r, F& f) {
    Rank rank(*this, r);
    try {
      f(static_cast<World&>(rank));
    } catch (...) {
      if (!failed_.exchange(true)) first_ = std::current_exception();
    }
    rank.abort();
  }
  // Did a rank pass fewer barriers than this, and will pass no more?
  bool somebody_left_before(long barriers) const {
    return std::any_of(barriers_.begin(), barriers_.end(), [&](const auto& b) { return b < barriers; });
  }

  std::barrier<> barrier_;
  std::vector<const void*> shown_;
  std::vector<std::atomic<long>> barriers_;  // that a rank which has left had passed
  std::atomic<bool> failed_{false};
  std::exception_ptr first_;
};

}  // namespace vlt::dist
