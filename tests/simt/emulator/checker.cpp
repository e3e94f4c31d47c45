#include <dlfcn.h>
#include <cstdio>
#include <simt/emulator/block.hpp>
#include <simt/emulator/checker.hpp>
#include <simt/emulator/device_memory.hpp>
#include <vector>

extern "C" char __executable_start, __data_start;

namespace vlt::simt::emulation {
namespace {

std::size_t seen = 0;

// Who accessed a byte and when, in 64 bits: block 20, barriers passed 20, orders within the warp 11, thread 10, and
// three for what kind of access it was. Never one of Cell's special values, as blocks count from 1.
class Stamp {
 public:
  enum Readers : unsigned { one_lane, lanes_of_a_warp, several_warps, several_blocks };
  static constexpr unsigned atomic = 1;  // of writes

  explicit Stamp(std::uint64_t bits) : bits_(bits) {}
  Stamp(const Block& b, const Thread& t)
      : bits_(std::uint64_t((b.number() + 1) & 0xfffff) << 44 | std::uint64_t(b.interval() & 0xfffff) << 24 |
              std::uint64_t(t.warp_interval & 0x7ff) << 13 | std::uint64_t(t.view.index) << 3) {}
  std::uint64_t with(unsigned flags) const { return bits_ | flags; }

  unsigned block() const { return unsigned(bits_ >> 44) - 1; }
  unsigned interval() const { return bits_ >> 24 & 0xfffff; }
  unsigned warp_interval() const { return bits_ >> 13 & 0x7ff; }
  unsigned thread() const { return bits_ >> 3 & 0x3ff; }
  unsigned warp() const { return thread() / 32; }
  unsigned flags() const { return bits_ & 7; }

  // Could this write and `later`, of the same launch, have come the other way round?
  bool unordered(Stamp later) const {
    if (block() != later.block()) return true;
    if (thread() == later.thread() || interval() != later.interval()) return false;
    return warp() != later.warp() || warp_interval() == later.warp_interval();
  }
  // The same for reads: flags() says who read beside the last reader.
  bool readers_unordered(Stamp later) const {
    if (block() != later.block() || flags() == several_blocks) return true;
    if (interval() != later.interval()) return false;
    if (flags() == several_warps || warp() != later.warp()) return true;
    if (warp_interval() != later.warp_interval()) return false;
    return flags() == lanes_of_a_warp || thread() != later.thread();
  }
  // Of the readers so far, of whom this is the last, and `later`.
  Readers joined_by(Stamp later) const {
    if (block() != later.block() || flags() == several_blocks) return several_blocks;
    if (interval() != later.interval()) return one_lane;
    if (flags() == several_warps || warp() != later.warp()) return several_warps;
    if (warp_interval() != later.warp_interval()) return one_lane;
    return flags() == lanes_of_a_warp || thread() != later.thread() ? lanes_of_a_warp : one_lane;
  }

 private:
  std::uint64_t bits_;
};

// Where in the source an access is made. Nothing is checked from here on: what it calls may be a copy of a function of
// the standard library that was compiled for a kernel's unit, with instrumentation.
std::string place_of(const void* from) {
  Block::current()->mute();
  if (const Site* s = access_site()) return formatted(" at %s:%d (%s)", s->file, s->line, s->operation);
  Dl_info info{};
  if (!from || !::dladdr(from, &info) || !info.dli_fname) return "";
  char line[512] = "";
  const auto offset = static_cast<const char*>(from) - static_cast<const char*>(info.dli_fbase) - 1;
  const std::string command = formatted("addr2line -s -e '%s' %#lx 2>/dev/null", info.dli_fname, long(offset));
  if (std::FILE* const pipe = ::popen(command.c_str(), "r")) {
    if (!std::fgets(line, sizeof line, pipe)) line[0] = 0;
    ::pclose(pipe);
  }
  std::string place = line;
  while (!place.empty() && place.back() == '\n') place.pop_back();
  return " at " + place;
}

struct Accessed {
  const char* verb;
  const char* space;
  const void* from;
};
[[noreturn]] void raise(const char* kind, const std::string& text, const void* from) {
  const std::string place = place_of(from);
  Block::current()->raise(kind, text + place);
}
std::string race_text(const Accessed& a, Stamp other, Stamp mine, const char* what) {
  return formatted("a %s in %s memory by thread %u of block %u races with %s by thread %u of block %u", a.verb, a.space,
                   mine.thread(), mine.block(), what, other.thread(), other.block());
}

// One byte is accessed. `of_this_launch`: does the cell's last access of that kind belong to the running launch (and,
// in shared memory, to the running block)?
void check_byte(Cell& cell, Access access, Stamp mine, bool shared, const Accessed& a) {
  const std::uint32_t launch = Block::current()->launch().number;
  const Stamp write(cell.write), read(cell.read);
  const bool written =
      cell.write > Cell::written_by_host && cell.write_launch == launch && (!shared || write.block() == mine.block());
  const bool was_read = cell.read != 0 && cell.read_launch == launch && (!shared || read.block() == mine.block());
  const bool fresh = shared ? !written : cell.write == Cell::unwritten;
  if (access != Access::write && fresh && options().check_initialised)
    raise("uninitialised", formatted("a %s of %s memory that nobody wrote", a.verb, a.space), a.from);
  const bool both_atomic = access == Access::atomic && (write.flags() & Stamp::atomic);
  if (written && write.unordered(mine) && !both_atomic)
    raise("race", race_text(a, write, mine, write.flags() & Stamp::atomic ? "an atomic" : "a write"), a.from);
  if (access == Access::read) {
    cell.read = mine.with(was_read ? read.joined_by(mine) : Stamp::one_lane), cell.read_launch = launch;
    return;
  }
  if (was_read && read.readers_unordered(mine)) raise("race", race_text(a, read, mine, "an earlier read"), a.from);
  cell.write = mine.with(access == Access::atomic ? Stamp::atomic : 0), cell.write_launch = launch;
}

Cell* cells_of_shared(const Block& block, const void* at, std::size_t bytes, const Accessed& a) {
  static std::vector<Cell> cells(Block::shared_capacity);
  const auto begin = std::size_t(static_cast<const unsigned char*>(at) - block.shared());
  bool inside = false;
  for (const auto& piece : block.pieces()) inside |= begin >= piece.begin && begin + bytes <= piece.begin + piece.bytes;
  if (!inside)
    raise("shared-bounds", formatted("a %s of %zu bytes of shared memory outside every piece", a.verb, bytes), a.from);
  return &cells[begin];
}
Cell* cells_of_device(const void* at, std::size_t bytes, const Accessed& a) {
  Cell* const cells = DeviceMemory::get().cell(at);
  for (std::size_t i = 0; i < bytes; ++i)
    if (cells[i].write == Cell::nowhere)
      raise("global-bounds",
            formatted("a %s of %zu bytes at %p: byte %zu belongs to no allocation", a.verb, bytes, at, i), a.from);
  return cells;
}
// Parameters and constants may be read; anything else of the host may not.
void check_host_memory(const Block& block, const void* at, Access access, const Accessed& a) {
  const char* const p = static_cast<const char*>(at);
  const char* const parameters = static_cast<const char*>(block.launch().parameters);
  if (p >= parameters && p < parameters + block.launch().parameter_bytes) {
    if (access != Access::read) raise("parameters", "a kernel writes its parameters", a.from);
  } else if (access != Access::read || p < &__executable_start || p >= &__data_start) {
    raise("host-memory", formatted("a %s of the host's memory at %p", a.verb, at), a.from);
  }
}

void check(const void* at, std::size_t bytes, Access access, const void* from) {
  static constexpr const char* verbs[] = {"read", "write", "atomic operation"};
  Block* const block = Block::current();
  if (!block || !block->in_kernel() || block->is_stack(at)) return;
  const Thread& thread = block->self();
  if (at >= &thread.view && at < &thread.view + 1) return;  // a kernel asks who it is
  ++seen;
  const bool shared = block->is_shared(at);
  const Accessed a{verbs[int(access)], shared ? "shared" : "device", from};
  if (!shared && !DeviceMemory::get().contains(at)) return check_host_memory(*block, at, access, a);
  Cell* const cells = shared ? cells_of_shared(*block, at, bytes, a) : cells_of_device(at, bytes, a);
  for (std::size_t i = 0; i < bytes; ++i) check_byte(cells[i], access, Stamp(*block, thread), shared, a);
}

}  // namespace

void install_checker() {
  DeviceMemory::get().shadow_bytes();
  watcher() = &check;
}
std::size_t accesses_checked() { return seen; }

}  // namespace vlt::simt::emulation
