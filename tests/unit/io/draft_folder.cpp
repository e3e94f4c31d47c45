// A folder that is written beside its place and takes it in one step.
#include <sys/resource.h>

#include <atomic>
#include <csignal>
#include <thread>
#include <unit/io/temporary_folder.hpp>
#include <vlt/io/draft_folder.hpp>

using namespace vlt;
using vlt::test::read_text;
using vlt::test::refused;
using vlt::test::TemporaryFolder;
using Replace = DraftFolder::Replace;

namespace {

// All that a folder holds, hidden names included: paths of files and what they say.
std::vector<std::string> contents(const std::string& path) {
  std::vector<std::string> all;
  for (const auto& e : std::filesystem::recursive_directory_iterator(path))
    if (e.is_regular_file())
      all.push_back(std::filesystem::relative(e.path(), path).string() + "=" + read_text(e.path()));
    else if (std::filesystem::is_empty(e.path())) all.push_back(std::filesystem::relative(e.path(), path).string());
  std::sort(all.begin(), all.end());
  return all;
}
using Contents = std::vector<std::string>;

void write_model(const DraftFolder& draft, const std::string& weights) {
  make_folders(draft.path() + "/language_model");
  write_file(draft.path() + "/language_model/weights", weights);
  write_file(draft.path() + "/config", weights);
}
const Contents first{"m/config=1", "m/language_model/weights=1"}, second{"m/config=2", "m/language_model/weights=2"};

// Lets no file grow beyond some bytes.
struct SmallDisk {
  rlimit before{};
  void (*handler)(int) = std::signal(SIGXFSZ, SIG_IGN);
  explicit SmallDisk(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before);
    const rlimit small{bytes, before.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &small);
  }
  ~SmallDisk() { ::setrlimit(RLIMIT_FSIZE, &before), std::signal(SIGXFSZ, handler); }
};

}  // namespace

TEST_CASE("a folder appears whole or not at all") {
  const TemporaryFolder t;
  {
    DraftFolder draft(t / "above/m/");
    write_model(draft, "1");
    CHECK_FALSE(std::filesystem::exists(t / "above/m"));
    draft.commit();
    CHECK(contents(t / "above") == first);
  }
  CHECK(contents(t / "above") == first);
  {
    DraftFolder draft(t / "other");
    write_model(draft, "2");
  }
  CHECK(std::distance(std::filesystem::directory_iterator(t.path), {}) == 1);
}

TEST_CASE("a finished folder takes the place of the one that was there") {
  const Replace how = GENERATE(Replace::exchange, Replace::aside);
  const TemporaryFolder t;
  t.write("m/config", "1"), t.write("m/language_model/weights", "1"), t.write("m/only in the old one", "1");
  DraftFolder draft(t / "m");
  write_model(draft, "2");
  CHECK(std::filesystem::exists(t / "m/only in the old one"));
  draft.commit(how);
  CHECK(contents(t.path) == second);
}

TEST_CASE("a folder in the present one needs no path before its name") {
  const TemporaryFolder t;
  const auto here = std::filesystem::current_path();
  std::filesystem::current_path(t.path);
  DraftFolder draft("m");
  write_model(draft, "1");
  draft.commit();
  std::filesystem::current_path(here);
  CHECK(contents(t.path) == first);
}

TEST_CASE("whoever looks while folders are replaced always sees one, whole") {
  const TemporaryFolder t;
  std::atomic<bool> over{false};
  std::atomic<int> seen{0}, torn{0};
  t.write("m/config", "0"), t.write("m/language_model/weights", "0");
  std::thread reader([&] {
    while (!over) {
      const int folder = ::open((t / "m").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
      torn += folder < 0, ++seen;
      if (folder >= 0) ::close(folder);
    }
  });
  while (seen == 0) std::this_thread::yield();
  for (int i = 1; i <= 50; ++i) {
    DraftFolder draft(t / "m");
    write_model(draft, std::to_string(i));
    draft.commit();
  }
  over = true;
  reader.join();
  CHECK(torn == 0);
  CHECK(contents(t.path) == Contents{"m/config=50", "m/language_model/weights=50"});
}

TEST_CASE("a write that fails leaves the old folder whole and no draft") {
  const TemporaryFolder t;
  t.write("m/config", "1"), t.write("m/language_model/weights", "1");
  const auto rewrite = [&] {
    DraftFolder draft(t / "m");
    const SmallDisk disk(4096);
    write_model(draft, std::string(10000, 'x'));
    draft.commit();
  };
  refused(rewrite, ExitCode::write, "WRITE-FILE-001", "File too large");
  CHECK(contents(t.path) == first);
}

TEST_CASE("a draft that cannot take its place leaves the old folder whole") {
  const TemporaryFolder t;
  t.write("m/config", "1"), t.write("m/language_model/weights", "1");
  const auto in_the_way = [&] {
    DraftFolder draft(t / "m");
    write_model(draft, "2");
    t.write(".m.replaced/x", "");
    draft.commit(Replace::aside);
  };
  refused(in_the_way, ExitCode::write, "WRITE-MODEL-003", "not empty");
  CHECK(contents(t.path) == first);
  const auto gone = [&] {
    DraftFolder draft(t / "m");
    std::filesystem::remove_all(draft.path());
    draft.commit();
  };
  refused(gone, ExitCode::write, "WRITE-FILE-001", "No such file");
  CHECK(contents(t.path) == first);
}

TEST_CASE("what a process that died left behind is put right by the next draft") {
  const TemporaryFolder t;
  t.write(".m.draft/config", "half"), t.write(".m.replaced/config", "1");
  t.write(".m.replaced/language_model/weights", "1");
  {
    DraftFolder draft(t / "m");
    CHECK(std::filesystem::is_empty(draft.path()));
    CHECK(read_text(t / "m/config") == "1");  // it died between the two steps
  }
  CHECK(contents(t.path) == first);
  t.write(".m.replaced/config", "0");  // it died after them
  { DraftFolder draft(t / "m"); }
  CHECK(contents(t.path) == first);
}

TEST_CASE("a file in a folder's place is refused before anything is written") {
  const TemporaryFolder t;
  t.write("m", "mine");
  refused([&] { DraftFolder draft(t / "m"); }, ExitCode::write, "WRITE-MODEL-003", "/m", "Not a directory");
  CHECK(contents(t.path) == Contents{"m=mine"});
}
