#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <limits>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>
#include <vlt/dist/stalled.hpp>
#include <vlt/dist/world.hpp>

namespace vlt::dist {

// Ranks as threads of one process: what several machines do, on one, for tests and debugging.
class ThreadGroup {
 public:
  // One rank's end of the group.
  class Rank final : public World {
   public:
    Rank(ThreadGroup& group, int rank) : group_(group), rank_(rank) { standing_ = &group.standings_[rank]; }
    int rank() const override { return rank_; }
    int size() const override { return int(group_.shown_.size()); }

    void barrier() override {
      standing_->wait(true);
      if (!left_ && !group_.meeting_.meet(patience_))
        throw Error(ExitCode::stalled, stalled_ranks(group_.standings(), "a meeting of ranks", patience_));
      standing_->wait(false);
      ++barriers_;
      if (left_ || group_.somebody_left_before(barriers_))
        throw Error(ExitCode::peer, Complaint("PEER-FAIL-001", "another rank failed"));
    }
    void abort(ExitCode = ExitCode::peer) noexcept override {
      if (std::exchange(left_, true)) return;
      group_.barriers_[rank_] = barriers_;
      group_.meeting_.leave();
    }
    void wait_at_most(double seconds) override { patience_ = seconds; }

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
    double patience_ = 1e6;  // seconds
    long barriers_ = 0;      // that it has passed
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

  // Where ranks wait for each other, until all that have not left are there.
  class Meeting {
   public:
    explicit Meeting(int ranks) : expected_(ranks) {}

    // False if that takes longer than so many seconds: the caller is no longer there then.
    bool meet(double seconds) {
      std::unique_lock lock(mutex_);
      const long turn = turn_;
      if (++arrived_ == expected_) return end(), true;
      const auto limit = std::chrono::system_clock::now() + std::chrono::microseconds(Index(seconds * 1e6));
      const bool met = met_.wait_until(lock, limit, [&] { return turn_ != turn; });
      if (!met) --arrived_;
      return met;
    }
    void leave() {
      const std::lock_guard lock(mutex_);
      if (--expected_ == arrived_) end();
    }

   private:
    std::mutex mutex_;
    std::condition_variable met_;
    int expected_, arrived_ = 0;
    long turn_ = 0;

    void end() {
      arrived_ = 0, ++turn_;
      met_.notify_all();
    }
  };

  explicit ThreadGroup(int ranks) : meeting_(ranks), shown_(ranks), standings_(new Standing[ranks]), barriers_(ranks) {
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
  std::vector<RankStanding> standings() const {
    std::vector<RankStanding> all;
    for (std::size_t r = 0; r < shown_.size(); ++r) all.push_back({int(r), &standings_[r]});
    return all;
  }
  // Did a rank pass fewer barriers than this, and will pass no more?
  bool somebody_left_before(long barriers) const {
    return std::any_of(barriers_.begin(), barriers_.end(), [&](const auto& b) { return b < barriers; });
  }

  Meeting meeting_;
  std::vector<const void*> shown_;
  std::unique_ptr<Standing[]> standings_;
  std::vector<std::atomic<long>> barriers_;  // that a rank which has left had passed
  std::atomic<bool> failed_{false};
  std::exception_ptr first_;
};

}  // namespace vlt::dist
