#pragma once
#include <array>
#include <memory>
#include <optional>
#include <random>
#include <simt/emulator/fiber.hpp>
#include <simt/emulator/watch.hpp>
#include <string>
#include <vector>

namespace vlt::simt::emulation {

struct AsyncCopy {
  void* to;
  const void* from;
  unsigned bytes, bytes_read;
  Site site;
  bool landed = false;
};

// A thread of the running block.
struct Thread {
  ThreadView view{};
  Fiber* fiber = nullptr;
  bool returned = false;
  Site waits_at{};
  std::uint32_t warp_interval = 0;  // how often it was ordered with its warp since the launch
  std::size_t pieces_taken = 0, bytes_taken = 0;
  std::vector<std::vector<AsyncCopy>> committed;
  std::vector<AsyncCopy> open;
};

// Lanes of a warp on their way to do something together.
struct Meeting {
  std::uint32_t mask, arrived;
  LaneFunction together;
  Site site;
  std::array<void*, 32> arguments;
};

// Runs the threads of one block as fibers on one thread of the host, and knows what they wait for. Blocks are run one
// after the other by the same object, whose fibers and shared memory stay.
class Block {
 public:
  struct Piece {
    std::size_t begin, bytes;
  };
  Block();
  Block(const Block&) = delete;
  ~Block();

  static Block*& current();  // the one that is running, or null
  void run(const Launch&, Size3 index);

  // For threads of the kernel; the names are those of simt/emulation.hpp.
  Thread& self() { return *self_; }
  void sync_block(Site);
  void meet(std::uint32_t mask, LaneFunction, void* arguments, bool orders_memory, Site);
  void* take_shared(std::size_t bytes, Site);
  void copy_async(const AsyncCopy&);
  void commit_copies();
  void wait_for_copies(unsigned groups_left);
  [[noreturn]] void raise(const char* kind, const std::string& text);

  // For the checker.
  bool in_kernel() const { return in_kernel_; }
  void mute() { in_kernel_ = false; }  // until the next launch: a report is being written
  const Launch& launch() const { return *launch_; }
  std::uint32_t number() const { return number_; }      // of this block in the launch
  std::uint32_t interval() const { return interval_; }  // barriers passed
  unsigned char* shared() const { return shared_; }
  bool is_shared(const void* at) const;
  bool is_stack(const void* at) const { return self_ && self_->fiber && self_->fiber->owns(at); }
  const std::vector<Piece>& pieces() const { return pieces_; }

  static constexpr std::size_t shared_capacity = 512 * 1024, guard = 64;

  // While it lives, the emulator works for a thread: nothing is checked.
  class Pause {
   public:
    explicit Pause(Block& b) : block_(b), before_(b.in_kernel_) { b.in_kernel_ = false; }
    ~Pause() { block_.in_kernel_ = before_; }
    Pause(const Pause&) = delete;

   private:
    Block& block_;
    bool before_;
  };

 private:
  const Launch* launch_ = nullptr;
  std::vector<Thread> threads_;
  std::vector<std::vector<Meeting>> meetings_;  // of each warp
  std::vector<Piece> pieces_;
  std::vector<std::uint32_t> ready_;  // from next_ on: who can go on
  std::size_t next_ = 0;
  Thread* self_ = nullptr;
  bool in_kernel_ = false;
  std::uint32_t number_ = 0, interval_ = 0, at_barrier_ = 0, returned_ = 0;
  Site barrier_{};
  unsigned char* shared_ = nullptr;
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<Fiber*> free_;
  Fiber* left_ = nullptr;  // free as soon as another one runs
  std::unique_ptr<Violation> violation_;
  std::mt19937_64 random_;

  void begin(const Launch&, Size3 index);
  void release_barrier();
  Thread* take_ready();
  Fiber* take_fiber();
  void wait();
  [[noreturn]] void deadlock();
  void check_mask(std::uint32_t mask, Site);
  void land(const AsyncCopy&);
  void report(const void* at, std::size_t bytes, Access);
  static void start();
  [[noreturn]] void run_threads();
  void finish_thread();
  [[noreturn]] void leave();
};

// The source of an access that is made through the vocabulary, or null.
const Site*& access_site();
struct AtSite {
  explicit AtSite(const Site& s) { access_site() = &s; }
  ~AtSite() { access_site() = nullptr; }
  AtSite(const AtSite&) = delete;
};

}  // namespace vlt::simt::emulation
