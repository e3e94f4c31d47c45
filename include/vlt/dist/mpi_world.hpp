#pragma once
#include <vlt/dist/world.hpp>

// Only a target that links vlt::mpi has VLT_HAVE_MPI and the header of an MPI library.
#if VLT_HAVE_MPI
#define OMPI_SKIP_MPICXX 1
#define MPICH_SKIP_MPICXX 1
#include <mpi.h>
#include <algorithm>
#include <chrono>
#include <limits>
#include <new>
#include <thread>
#include <vector>
#include <vlt/dist/stalled.hpp>

namespace vlt::dist {

// The ranks of an MPI job: a process each, on one machine or several. One for the life of a process.
class MpiWorld final : public World {
 public:
  MpiWorld() {
    int provided = MPI_THREAD_SINGLE;
    check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread");
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    check(MPI_Comm_rank(MPI_COMM_WORLD, &rank_), "MPI_Comm_rank");
    check(MPI_Comm_size(MPI_COMM_WORLD, &size_), "MPI_Comm_size");
    open_.reserve(2 * std::size_t(size_));
    arrived_.resize(slice_bytes * std::size_t(size_));
    show_standings();
  }
  ~MpiWorld() override {
    if (left_) return;
    MPI_Win_free(&window_);
    MPI_Comm_free(&machine_);
    MPI_Finalize();
  }

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  void barrier() override {
    begin();
    MPI_Ibarrier(MPI_COMM_WORLD, &open_.emplace_back());
    finish("a barrier");
  }
  void wait_at_most(double seconds) override { patience_ = seconds; }
  // Ends the job: the others are stopped wherever they wait, and the launcher ends with this exit code.
  void abort(ExitCode reason = ExitCode::peer) noexcept override {
    left_ = true;
    if (reason == ExitCode::stalled && int(here_.size()) < size_)
      std::this_thread::sleep_for(std::chrono::seconds(1));  // other machines have a table of their own
    MPI_Abort(MPI_COMM_WORLD, static_cast<int>(reason));
  }

 private:
  // What is summed at once: each rank receives this much of every other one.
  static constexpr std::size_t slice_bytes = std::size_t(1) << 18;
  // The most that one message carries: MPI counts in int.
  static constexpr std::size_t message_bytes = std::size_t(1) << 30;
  // Looks that a wait begins with; it sleeps between further ones.
  static constexpr int looks_at_once = 1000;

  int rank_ = 0, size_ = 1;
  double patience_ = std::numeric_limits<double>::infinity();
  MPI_Comm machine_ = MPI_COMM_NULL;  // the ranks of this machine, which share the memory of the window
  MPI_Win window_ = MPI_WIN_NULL;
  std::vector<RankStanding> here_;  // the standings in it
  bool left_ = false;
  std::vector<MPI_Request> open_;
  std::vector<std::byte> arrived_;

  // Every rank sums one part of a slice, then reads the others'.
  void add_everywhere(const Addends& a) override {
    with_type(a, [&]<class T>(const T*, T* x) {
      const std::size_t at_once = slice_bytes / sizeof(T) * std::size_t(size_);
      for (std::size_t first = 0; first < a.count; first += at_once) {
        T* slice = x + first;
        const std::size_t count = std::min(at_once, a.count - first);
        const auto part = [&](int r) { return count * std::size_t(r) / std::size_t(size_); };
        sum_part([&](int r) { return std::span<const T>(slice + part(r), slice + part(r + 1)); }, slice + part(rank_));
        exchange([&](int) { return std::as_bytes(std::span(slice + part(rank_), slice + part(rank_ + 1))); },
                 [&](int r) { return std::as_writable_bytes(std::span(slice + part(r), slice + part(r + 1))); });
      }
    });
  }
  void add_share(const Addends& a) override {
    with_type(a, [&]<class T>(const T* in, T* out) {
      const std::size_t at_once = slice_bytes / sizeof(T);
      for (std::size_t first = 0; first < a.count; first += at_once) {
        const std::size_t count = std::min(at_once, a.count - first);
        sum_part([&](int r) { return std::span(in + a.count * std::size_t(r) + first, count); }, out + first);
      }
    });
  }
  void gather(std::span<const std::byte> in, std::span<std::byte> out) override {
    const auto place = [&](int r) { return out.subspan(std::size_t(r) * in.size(), in.size()); };
    if (place(rank_).data() != in.data()) std::copy(in.begin(), in.end(), place(rank_).begin());
    for (std::size_t first = 0; first < in.size(); first += message_bytes) {
      const std::size_t count = std::min(message_bytes, in.size() - first);
      exchange([&](int) { return in.subspan(first, count); }, [&](int r) { return place(r).subspan(first, count); });
    }
  }
  void send(std::span<std::byte> x, int from) override {
    for (std::size_t first = 0; first < x.size(); first += message_bytes) {
      const std::size_t count = std::min(message_bytes, x.size() - first);
      if (rank_ != from) received_ += count;
      begin();
      MPI_Ibcast(x.data() + first, int(count), MPI_BYTE, from, MPI_COMM_WORLD, &open_.emplace_back());
      finish("a broadcast");
    }
  }

  // to[i] = the sum, in rank order, of what every rank has for this one: rank r gets part(r) of it.
  template <class Part, class T> void sum_part(Part&& part, T* to) {
    const std::span<const T> mine = part(rank_);
    const auto from = [&](int r) {
      return std::span(reinterpret_cast<T*>(arrived_.data() + std::size_t(r) * slice_bytes), mine.size());
    };
    exchange([&](int r) { return std::as_bytes(part(r)); }, [&](int r) { return std::as_writable_bytes(from(r)); });
    for (std::size_t i = 0; i < mine.size(); ++i) {
      T total{};
      for (int r = 0; r < size_; ++r) total += r == rank_ ? mine[i] : from(r)[i];
      to[i] = total;
    }
  }
  // Gives out(r) to every other rank r and takes in(r) from it.
  template <class Out, class In> void exchange(Out&& out, In&& in) {
    begin();
    for (int r = 0; r < size_; ++r) {
      if (r == rank_) continue;
      const std::span<std::byte> to = in(r);
      received_ += to.size();
      MPI_Irecv(to.data(), int(to.size()), MPI_BYTE, r, 0, MPI_COMM_WORLD, &open_.emplace_back());
    }
    for (int r = 0; r < size_; ++r) {
      if (r == rank_) continue;
      const std::span<const std::byte> from = out(r);
      MPI_Isend(from.data(), int(from.size()), MPI_BYTE, r, 0, MPI_COMM_WORLD, &open_.emplace_back());
    }
    finish("an exchange");
  }

  // Puts this rank's standing where the ranks of its machine see it.
  void show_standings() {
    int ranks = 0;
    void* mine = nullptr;
    check(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine_), "shared memory");
    MPI_Comm_set_errhandler(machine_, MPI_ERRORS_RETURN);
    MPI_Comm_size(machine_, &ranks);
    check(MPI_Win_allocate_shared(sizeof(Standing), 1, MPI_INFO_NULL, machine_, &mine, &window_), "shared memory");
    standing_ = new (mine) Standing;
    std::vector<int> numbers(std::size_t(ranks), 0);
    check(MPI_Allgather(&rank_, 1, MPI_INT, numbers.data(), 1, MPI_INT, machine_), "shared memory");
    for (int r = 0; r < ranks; ++r) {
      MPI_Aint bytes = 0;
      int unit = 0;
      void* theirs = nullptr;
      check(MPI_Win_shared_query(window_, r, &bytes, &unit, &theirs), "shared memory");
      here_.push_back({numbers[std::size_t(r)], static_cast<const Standing*>(theirs)});
    }
  }

  void begin() { open_.clear(); }
  // Waits for what was begun. MPI's own waiting would burn a core, which other ranks of this machine may need. Time in
  // which this process was stopped itself does not count.
  void finish(const char* what) {
    using Clock = std::chrono::steady_clock;
    std::chrono::duration<double> waited(0);
    Clock::time_point seen;
    for (int looks = 0, done = 0;; ++looks) {
      check(MPI_Testall(int(open_.size()), open_.data(), &done, MPI_STATUSES_IGNORE), what);
      if (done) break;
      if (looks < looks_at_once) continue;
      const Clock::time_point now = Clock::now();
      if (looks == looks_at_once) standing_->wait(true);
      else waited += std::min<std::chrono::duration<double>>(now - seen, std::chrono::seconds(1));
      if (waited.count() > patience_) give_up(what);
      seen = now;
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
    standing_->wait(false);
  }
  // Of the ranks of a machine that wait one speaks; the job ends before the others come to it.
  [[noreturn]] void give_up(const char* what) const {
    const auto first =
        std::find_if(here_.begin(), here_.end(), [](const RankStanding& r) { return r.standing->waits(); });
    if (first->rank != rank_) std::this_thread::sleep_for(std::chrono::seconds(3));
    throw Error(ExitCode::stalled, stalled_ranks(here_, what, patience_));
  }
  static void check(int status, const char* what) {
    if (status == MPI_SUCCESS) return;
    char text[MPI_MAX_ERROR_STRING];
    int length = 0;
    MPI_Error_string(status, text, &length);
    throw Error(ExitCode::peer, Complaint("PEER-FAIL-001", "another rank failed, or cannot be reached")
                                    .at(what)
                                    .found(std::string(text, std::size_t(length))));
  }
};

}  // namespace vlt::dist
#endif
