#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <simt/emulator/block.hpp>

// Launches, and what simt/emulation.hpp declares: the emulator's side of the vocabulary.
namespace vlt::simt::emulation {

Options& options() {
  static Options all;
  return all;
}
Watcher& watcher() {
  static Watcher one = nullptr;
  return one;
}
const Site*& access_site() {
  static thread_local const Site* site = nullptr;
  return site;
}

namespace {
std::string formatted_list(const char* format, std::va_list arguments) {
  char text[1024];
  std::vsnprintf(text, sizeof text, format, arguments);
  return text;
}
Block& here() {
  if (Block* const block = Block::current()) return *block;
  std::fputs("vlt::simt: a function of kernels was called outside a kernel\n", stderr);
  std::abort();
}
void require_aligned(const void* at, std::size_t bytes, Site site) {
  if (reinterpret_cast<std::uintptr_t>(at) % bytes == 0) return;
  here().mute();
  here().raise("misaligned",
               formatted("%s of %zu bytes at %p (%s:%d)", site.operation, bytes, at, site.file, site.line));
}
}  // namespace

std::string formatted(const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  std::string text = formatted_list(format, arguments);
  va_end(arguments);
  return text;
}

void launch(Launch what) {
  static std::uint32_t launches = 0;
  constexpr std::size_t shared_limit = 227 * 1024;  // of a block on sm_90 and sm_100
  const Size3 grid = what.grid;
  if (what.threads == 0 || what.threads > 1024 || grid.x == 0 || grid.y == 0 || grid.z == 0 || grid.x > 0x7fffffff ||
      grid.y > 65535 || grid.z > 65535 || what.shared_bytes > shared_limit)
    throw Violation("launch", formatted("[launch] %s: grid %u x %u x %u, %u threads, %zu bytes of shared memory",
                                        what.name.c_str(), grid.x, grid.y, grid.z, what.threads, what.shared_bytes));
  what.number = ++launches;
  alignas(64) unsigned char parameters[4096 + 64];
  if (what.parameter_bytes > sizeof parameters) throw Violation("launch", "[launch] too many parameters");
  std::memcpy(parameters, what.parameters, what.parameter_bytes);
  what.parameters = parameters;
  std::vector<std::uint32_t> order(std::size_t(grid.x) * grid.y * grid.z);
  std::iota(order.begin(), order.end(), 0u);
  if (options().schedule == Schedule::reverse) std::reverse(order.begin(), order.end());
  if (options().schedule == Schedule::random) std::shuffle(order.begin(), order.end(), std::mt19937_64(options().seed));
  static thread_local Block block;
  for (const std::uint32_t b : order) block.run(what, {b % grid.x, b / grid.x % grid.y, b / grid.x / grid.y});
}

const ThreadView& this_thread() { return here().self().view; }
void sync_block(Site site) { here().sync_block(site); }
void meet(std::uint32_t mask, LaneFunction together, void* arguments, bool orders_memory, Site site) {
  here().meet(mask, together, arguments, orders_memory, site);
}
void* take_shared(std::size_t bytes, Site site) { return here().take_shared(bytes, site); }
void start_taking_shared() { here().self().pieces_taken = here().self().bytes_taken = 0; }
void copy_async(void* shared, const void* global, unsigned bytes, unsigned bytes_read, Site site) {
  here().copy_async({shared, global, bytes, bytes_read, site});
}
void commit_copies() { here().commit_copies(); }
void wait_for_copies(unsigned groups_left) { here().wait_for_copies(groups_left); }

void touch(const void* at, std::size_t bytes, Access access, Site site) {
  require_aligned(at, bytes, site);
  const AtSite here_now(site);
  if (watcher()) watcher()(at, bytes, access, __builtin_return_address(0));
}
void change_atomically(void* at, std::size_t bytes, void (*change)(void*, void*), void* argument, Site site) {
  require_aligned(at, bytes, site);
  const AtSite here_now(site);
  if (watcher()) watcher()(at, bytes, Access::atomic, __builtin_return_address(0));
  const Block::Pause pause(here());
  change(at, argument);
}
void fail(const char* kind, const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  const std::string text = formatted_list(format, arguments);
  va_end(arguments);
  here().raise(kind, text);
}

}  // namespace vlt::simt::emulation
