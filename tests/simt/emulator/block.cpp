#include <sys/mman.h>
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <simt/emulator/block.hpp>
#include <utility>

namespace vlt::simt::emulation {

Block::Block() {
  void* const at = ::mmap(nullptr, shared_capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) throw std::bad_alloc();
  shared_ = static_cast<unsigned char*>(at);
}
Block::~Block() {
  ASAN_UNPOISON_MEMORY_REGION(shared_, shared_capacity);
  ::munmap(shared_, shared_capacity);
}

Block*& Block::current() {
  static thread_local Block* block = nullptr;
  return block;
}

void Block::run(const Launch& launch, Size3 index) {
  begin(launch, index);
  current() = this;
  if (Thread* const first = take_ready()) {
    first->fiber = take_fiber();
    self_ = first;
    Fiber::switch_from_to(nullptr, first->fiber);
  }
  for (Thread& t : threads_)
    if (t.fiber) free_.push_back(std::exchange(t.fiber, nullptr));
  if (left_) free_.push_back(std::exchange(left_, nullptr));
  current() = nullptr;
  self_ = nullptr;
  if (violation_) {
    const Violation violation = *violation_;
    violation_.reset();
    throw violation;
  }
}

void Block::begin(const Launch& launch, Size3 index) {
  launch_ = &launch;
  number_ = (index.z * launch.grid.y + index.y) * launch.grid.x + index.x;
  interval_ = at_barrier_ = returned_ = 0;
  in_kernel_ = false;
  random_.seed(options().seed * 0x9E3779B97F4A7C15ull + number_);
  threads_.assign(launch.threads, {});
  meetings_.assign((launch.threads + 31) / 32, {});
  pieces_.clear(), ready_.clear();
  next_ = 0;
  // Every bit set is a NaN in all types: who reads what nobody wrote spoils its results.
  ASAN_UNPOISON_MEMORY_REGION(shared_, shared_capacity);
  std::memset(shared_, 0xff, std::min(shared_capacity, 2 * launch.shared_bytes + 4096));
  ASAN_POISON_MEMORY_REGION(shared_, shared_capacity);
  for (unsigned i = 0; i < launch.threads; ++i) {
    threads_[i].view = {index, launch.grid, launch.threads, i, i % 32, i / 32};
    ready_.push_back(i);
  }
  if (options().schedule == Schedule::reverse) std::reverse(ready_.begin(), ready_.end());
}

// -------------------------------------------------------------------------------------------------- scheduling

Thread* Block::take_ready() {
  if (next_ == ready_.size()) {
    ready_.clear(), next_ = 0;
    return nullptr;
  }
  if (options().schedule == Schedule::random)
    std::swap(ready_[next_ + random_() % (ready_.size() - next_)], ready_[next_]);
  return &threads_[ready_[next_++]];
}

Fiber* Block::take_fiber() {
  if (left_) free_.push_back(std::exchange(left_, nullptr));
  if (free_.empty()) {
    fibers_.push_back(std::make_unique<Fiber>());
    free_.push_back(fibers_.back().get());
  }
  Fiber* const fiber = free_.back();
  free_.pop_back();
  fiber->prepare(&Block::start);
  return fiber;
}

void Block::start() {
  Fiber::begun();
  current()->run_threads();
}

// The life of a fiber: thread after thread for as long as none of them waits.
void Block::run_threads() {
  for (;;) {
    in_kernel_ = true;
    launch_->run(launch_->parameters);
    in_kernel_ = false;
    finish_thread();
    Fiber* const fiber = std::exchange(self_->fiber, nullptr);
    Thread* const next = take_ready();
    if (!next) {
      if (returned_ != launch_->threads) self_->fiber = fiber, deadlock();
      free_.push_back(fiber);
      leave();
    }
    self_ = next;
    if (!next->fiber) {  // it has not begun: it goes on where this one ended
      next->fiber = fiber;
      continue;
    }
    if (left_) free_.push_back(left_);
    left_ = fiber;
    Fiber::switch_from_to(fiber, next->fiber, true);
  }
}

void Block::finish_thread() {
  for (const auto& group : self_->committed)
    if (!group.empty()) raise("async-copy", "a thread returned with copies that it never waited for");
  if (!self_->open.empty()) raise("async-copy", "a thread returned with copies that it never committed");
  self_->returned = true;
  ++returned_;
  if (at_barrier_ > 0 && at_barrier_ + returned_ == launch_->threads)
    raise("divergent-barrier", formatted("%u threads returned while %u wait at %s:%d", returned_, at_barrier_,
                                         barrier_.file, barrier_.line));
}

// The thread goes on when it has been made ready.
void Block::wait() {
  Thread* const next = take_ready();
  if (!next) deadlock();
  Thread* const mine = self_;
  if (!next->fiber) next->fiber = take_fiber();
  self_ = next;
  Fiber::switch_from_to(mine->fiber, next->fiber);
  self_ = mine;
}

void Block::leave() {
  Fiber::switch_from_to(self_->fiber ? self_->fiber : free_.back(), nullptr, true);
  std::abort();
}

void Block::deadlock() {
  std::string text = "no thread can go on:";
  int last_line = 0, shown = 0;
  for (const Thread& t : threads_)
    if (!t.returned && t.waits_at.line != last_line && shown < 6) {
      text += formatted(" thread %u waits at %s %s:%d", t.view.index, t.waits_at.operation, t.waits_at.file,
                        t.waits_at.line);
      last_line = t.waits_at.line, ++shown;
    }
  raise("deadlock", text + formatted("; %u of %u returned", returned_, launch_->threads));
}

void Block::raise(const char* kind, const std::string& text) {
  access_site() = nullptr;
  in_kernel_ = false;
  if (!violation_) {
    const ThreadView& v = self_->view;
    violation_ = std::make_unique<Violation>(
        kind, formatted("[%s] %s | kernel %s, block (%u, %u, %u), thread %u", kind, text.c_str(), launch_->name.c_str(),
                        v.block.x, v.block.y, v.block.z, v.index));
  }
  leave();
}

// ---------------------------------------------------------------------------------------------------- barriers

void Block::sync_block(Site site) {
  const Pause pause(*this);
  if (at_barrier_ == 0) barrier_ = site;
  else if (barrier_.line != site.line || std::strcmp(barrier_.file, site.file) != 0)
    raise("divergent-barrier", formatted("thread %u is at the barrier %s:%d while others wait at %s:%d",
                                         self_->view.index, site.file, site.line, barrier_.file, barrier_.line));
  if (returned_ > 0)
    raise("divergent-barrier",
          formatted("the barrier %s:%d is reached after %u threads returned", site.file, site.line, returned_));
  ++at_barrier_;
  self_->waits_at = site;
  if (at_barrier_ == launch_->threads) release_barrier();
  else wait();
}

void Block::release_barrier() {
  at_barrier_ = 0, ++interval_;
  for (const Thread& t : threads_)
    if (&t != self_) ready_.push_back(t.view.index);
  if (options().schedule == Schedule::reverse) std::reverse(ready_.begin() + std::ptrdiff_t(next_), ready_.end());
}

void Block::check_mask(std::uint32_t mask, Site site) {
  for (unsigned lane = 0; lane < 32; ++lane) {
    if (!(mask >> lane & 1u)) continue;
    const unsigned index = self_->view.warp * 32 + lane;
    if (index < launch_->threads && !threads_[index].returned) continue;
    raise("bad-mask", formatted("%s at %s:%d names lane %u, which %s", site.operation, site.file, site.line, lane,
                                index < launch_->threads ? "has returned" : "does not exist"));
  }
}

void Block::meet(std::uint32_t mask, LaneFunction together, void* arguments, bool orders_memory, Site site) {
  const Pause pause(*this);
  Thread& me = *self_;
  const unsigned lane = me.view.lane, warp = me.view.warp;
  if (!(mask >> lane & 1u))
    raise("bad-mask", formatted("lane %u calls %s with mask %08x, which leaves it out (%s:%d)", lane, site.operation,
                                mask, site.file, site.line));
  auto& meetings = meetings_[warp];
  auto at = std::find_if(meetings.begin(), meetings.end(), [&](const Meeting& m) { return m.mask == mask; });
  if (at == meetings.end()) {
    check_mask(mask, site);
    meetings.push_back({mask, 0, together, site, {}});
    at = meetings.end() - 1;
  } else if (at->together != together || at->site.line != site.line || std::strcmp(at->site.file, site.file) != 0) {
    raise("divergent-warp",
          formatted("lane %u of warp %u is at %s %s:%d while lanes %08x wait at %s %s:%d", lane, warp, site.operation,
                    site.file, site.line, at->arrived, at->site.operation, at->site.file, at->site.line));
  }
  at->arrived |= 1u << lane;
  at->arguments[lane] = arguments;
  if (at->arrived != mask) {
    me.waits_at = site;
    return wait();
  }
  const Meeting all = *at;
  meetings.erase(at);
  together(all.arguments.data(), mask);  // the others' arguments lie on their stacks, where they wait
  for (unsigned i = 0; i < 32; ++i) {
    if (!(mask >> i & 1u)) continue;
    Thread& other = threads_[warp * 32 + i];
    if (orders_memory) ++other.warp_interval;
    if (&other != &me) ready_.push_back(other.view.index);
  }
}

}  // namespace vlt::simt::emulation
