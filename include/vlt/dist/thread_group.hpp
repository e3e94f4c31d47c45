#pragma once
#include <atomic>
#include <barrier>
#include <exception>
#include <thread>
#include <vector>
#include <vlt/base/error.hpp>
#include <vlt/dist/communicator.hpp>

namespace vlt::dist {

// Ranks as threads of one process: what several machines do, on one, for tests and debugging.
class ThreadGroup {
 public:
  // One rank's end of the group.
  class Rank {
   public:
    static constexpr bool on_host = true;
    Rank(ThreadGroup& group, int rank) : group_(group), rank_(rank) {}
    int rank() const { return rank_; }
    int size() const { return int(group_.shown_.size()); }

    // Throws on every rank that waits once one of them has failed.
    void barrier() {
      group_.barrier_.arrive_and_wait();
      if (group_.failed_) throw Error(ExitCode::peer, {"PEER-FAIL-001", "another rank failed", {}, {}, {}, {}, {}});
    }
    template <class T> void reduce_scatter_sum(std::span<const T> in, std::span<T> out) {
      show(in.data());
      sum<T>(out.data(), out.size() * rank_, out.size() * (rank_ + 1));
      barrier();
    }
    template <class T> void all_gather(std::span<const T> in, std::span<T> out) {
      show(in.data());
      for (int r = 0; r < size(); ++r) {
        T* to = out.data() + r * in.size();
        if (to != seen<T>(r)) std::copy_n(seen<T>(r), in.size(), to);
      }
      barrier();
    }
    template <class T> void all_reduce_sum(std::span<T> x) {  // every rank sums one part, then reads the others'
      const auto part = [&](int r) { return x.size() * r / size(); };
      show(x.data());
      sum<T>(x.data() + part(rank_), part(rank_), part(rank_ + 1));
      barrier();
      for (int r = 0; r < size(); ++r)
        if (r != rank_) std::copy(seen<T>(r) + part(r), seen<T>(r) + part(r + 1), x.data() + part(r));
      barrier();
    }

   private:
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
  };

  // Runs f(rank) on `ranks` threads and waits for all of them. If one throws, the others stop at their next collective
  // call, and the exception reaches the caller.
  template <class F> static void run(int ranks, F&& f) {
    ThreadGroup group(ranks);
    std::vector<std::thread> threads;
    for (int r = 0; r < ranks; ++r) threads.emplace_back([&, r] { group.serve(r, f); });
    for (auto& t : threads) t.join();
    if (group.first_) std::rethrow_exception(group.first_);
  }

 private:
  explicit ThreadGroup(int ranks) : barrier_(ranks), shown_(ranks) {}

  template <class F> void serve(int r, F& f) {
    try {
      Rank rank(*this, r);
      f(rank);
    } catch (...) {
      if (!failed_.exchange(true)) first_ = std::current_exception();
      barrier_.arrive_and_drop();
    }
  }

  std::barrier<> barrier_;
  std::vector<const void*> shown_;
  std::atomic<bool> failed_{false};
  std::exception_ptr first_;
};
static_assert(Communicator<ThreadGroup::Rank>);

}  // namespace vlt::dist
