#include <cstring>
#include <simt/emulator/block.hpp>

// What a block does with its shared memory: pieces between guards, and asynchronous copies into it.
namespace vlt::simt::emulation {

bool Block::is_shared(const void* at) const {
  return at >= shared_ && at < static_cast<const void*>(shared_ + shared_capacity);
}

void* Block::take_shared(std::size_t bytes, Site site) {
  const Pause pause(*this);
  Thread& me = *self_;
  constexpr std::size_t alignment = 16;
  me.bytes_taken = (me.bytes_taken + alignment - 1) / alignment * alignment + bytes;
  if (me.bytes_taken > launch_->shared_bytes)
    raise("shared-size", formatted("%zu bytes of shared memory are taken, the launch has %zu (%s:%d)", me.bytes_taken,
                                   launch_->shared_bytes, site.file, site.line));
  if (me.pieces_taken == pieces_.size()) {
    const std::size_t end = pieces_.empty() ? 0 : pieces_.back().begin + pieces_.back().bytes,
                      begin = (end + guard + 127) / 128 * 128;
    if (begin + bytes + guard > shared_capacity) raise("shared-size", "more than the emulator has");
    pieces_.push_back({begin, bytes});
    ASAN_UNPOISON_MEMORY_REGION(shared_ + begin, bytes);
  } else if (pieces_[me.pieces_taken].bytes != bytes) {
    raise("shared-size", formatted("threads take different pieces of shared memory (%s:%d)", site.file, site.line));
  }
  return shared_ + pieces_[me.pieces_taken++].begin;
}

void Block::report(const void* at, std::size_t bytes, Access access) {
  if (!watcher() || bytes == 0) return;
  in_kernel_ = true;
  watcher()(at, bytes, access, nullptr);
  in_kernel_ = false;
}

void Block::copy_async(const AsyncCopy& copy) {
  const Pause pause(*this);
  const Site site = copy.site;
  if (reinterpret_cast<std::uintptr_t>(copy.to) % copy.bytes ||
      reinterpret_cast<std::uintptr_t>(copy.from) % copy.bytes)
    raise("misaligned", formatted("%s of %u bytes from %p to %p (%s:%d)", site.operation, copy.bytes, copy.from,
                                  copy.to, site.file, site.line));
  if (!is_shared(copy.to))
    raise("bad-space",
          formatted("%s: %p is not in shared memory (%s:%d)", site.operation, copy.to, site.file, site.line));
  AsyncCopy waiting = copy;
  waiting.landed = !options().late_copies;
  if (waiting.landed) land(copy);
  else {
    // Nobody may look before the copy has been waited for: it counts as being written from now on.
    const AtSite at(copy.site);
    report(copy.to, copy.bytes, Access::write);
    report(copy.from, copy.bytes_read, Access::read);
    std::memset(copy.to, 0xff, copy.bytes);
  }
  self_->open.push_back(waiting);
}

void Block::commit_copies() {
  const Pause pause(*this);
  self_->committed.push_back(std::move(self_->open));
  self_->open.clear();
}

void Block::wait_for_copies(unsigned groups_left) {
  const Pause pause(*this);
  auto& groups = self_->committed;
  while (groups.size() > groups_left) {
    for (const AsyncCopy& copy : groups.front()) land(copy);
    groups.erase(groups.begin());
  }
}

// What landed at once might have landed only now: who read it in between is found out.
void Block::land(const AsyncCopy& copy) {
  const AtSite at(copy.site);
  report(copy.to, copy.bytes, Access::write);
  report(copy.from, copy.bytes_read, Access::read);
  if (copy.landed) return;
  std::memcpy(copy.to, copy.from, copy.bytes_read);
  std::memset(static_cast<char*>(copy.to) + copy.bytes_read, 0, copy.bytes - copy.bytes_read);
}

}  // namespace vlt::simt::emulation
