#include <sys/resource.h>
#include <unit/io/temporary_folder.hpp>
#include <vlt/io/file_memory.hpp>
#include <vlt/io/standard_streams.hpp>

using namespace vlt;
using vlt::test::TemporaryFolder;

namespace {

std::uint64_t disk_used(const std::string& path) {
  struct statvfs s {};
  REQUIRE(::statvfs(path.c_str(), &s) == 0);
  return std::uint64_t(s.f_blocks - s.f_bfree) * s.f_frsize;
}
std::size_t reported_kib(const std::string& key) {
  std::ifstream in("/proc/self/status");
  std::size_t kib = 0;
  for (std::string word; in >> word;)
    if (word == key) in >> kib;
  return kib;
}
int open_files() {
  int n = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++n;
  return n;
}

}  // namespace

TEST_CASE("memory in files is zeros that can be written, in a file without a name whose room is reserved") {
  const TemporaryFolder t;
  const FileMemory files(t.path);
  const std::size_t bytes = (48 << 20) + 5;
  const int before = open_files();
  const std::uint64_t used = disk_used(t.path);
  auto* at = static_cast<unsigned char*>(files.allocate(bytes));
  CHECK(disk_used(t.path) > used + (40 << 20));  // before anything is written
  CHECK(std::filesystem::is_empty(t.path));
  CHECK(open_files() == before);
  CHECK(std::uintptr_t(at) % 4096 == 0);
  CHECK(std::count(at, at + bytes, 0) == std::ptrdiff_t(bytes));
  const std::size_t anonymous = reported_kib("RssAnon:");
  std::fill(at, at + bytes, 7);
  CHECK(reported_kib("RssAnon:") < anonymous + (4 << 10));
  at[0] = 1, at[bytes - 1] = 2;
  auto* other = static_cast<unsigned char*>(files.allocate(100));
  other[0] = 9;
  CHECK((at[0] == 1 && at[bytes - 1] == 2));
  CHECK((::munmap(at, bytes) == 0 && ::munmap(other, 100) == 0));
  CHECK(disk_used(t.path) < used + (40 << 20));
  CHECK(files.allocate(0) == nullptr);
}

TEST_CASE("memory in files that the disk has no room for is refused before it is used") {
  const TemporaryFolder t;
  prepare_streams();
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  rlimit less = before;
  less.rlim_cur = 1 << 20;
  ::setrlimit(RLIMIT_FSIZE, &less);
  test::refused([&] { FileMemory(t.path).allocate(2 << 20); }, ExitCode::write, "WRITE-OFFLOAD-007", t.path,
                "room for 2097152 bytes", "File too large (27)", "leave --offload out");
  ::setrlimit(RLIMIT_FSIZE, &before);
  CHECK(std::filesystem::is_empty(t.path));
  test::refused([&] { FileMemory(t.path).allocate(std::size_t(1) << 55); }, ExitCode::write, "WRITE-OFFLOAD-007");
  test::refused([&] { FileMemory(t / "nowhere").allocate(1); }, ExitCode::write, "WRITE-OFFLOAD-007", "No such file");
}
