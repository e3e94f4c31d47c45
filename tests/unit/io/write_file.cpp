// Reading by position, and writing that is all or nothing.
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <unit/io/temporary_folder.hpp>
#include <vlt/io/write_file.hpp>

using namespace vlt;
using vlt::test::read_text;
using vlt::test::refused;
using vlt::test::TemporaryFolder;

TEST_CASE("a file is read by position and in whole") {
  const TemporaryFolder t;
  const File f = open_file(t.write("f", "0123456789"));
  char part[4] = {};
  f.read(3, part, 4);
  CHECK(std::string_view(part, 4) == "3456");
  CHECK(f.size() == 10);
  CHECK(f.read_all(10) == "0123456789");
  refused([&] { f.read_all(9); }, ExitCode::model, "MODEL-FILE-003", "at most 9 bytes", "10 bytes");
  refused([&] { f.read(8, part, 4); }, ExitCode::model, "MODEL-FILE-002", "@ byte 10");
}

TEST_CASE("a file that is cut while it is read is a fault, not a signal") {
  const TemporaryFolder t;
  const File f = open_file(t.write("f", std::string(100000, 'x')));
  std::filesystem::resize_file(t / "f", 10);
  refused([&] { f.read_all(1 << 20); }, ExitCode::model, "MODEL-FILE-002", "shorter");
}

TEST_CASE("files that the user names must be regular and there") {
  const TemporaryFolder t;
  refused([&] { open_file(t / "no", blame_option); }, ExitCode::usage, "OPT-PATH-001", "No such file", "(2)");
  t.write("train.json", "[]");
  refused([&] { open_file(t / "trein.json"); }, ExitCode::model, "MODEL-PATH-001", "did you mean " + t / "train.json?");
  refused([&] { open_file(t.path); }, ExitCode::model, "MODEL-PATH-004", "a directory");
  REQUIRE(::mkfifo((t / "pipe").c_str(), 0600) == 0);
  refused([&] { open_file(t / "pipe"); }, ExitCode::model, "MODEL-PATH-004", "pipe");
}

TEST_CASE("a written file appears complete or not at all") {
  const TemporaryFolder t;
  write_file(t / "f", "first");
  CHECK(read_text(t / "f") == "first");
  {
    FileWriter w(t / "f");
    w.write("half");
    CHECK(read_text(t / "f") == "first");
  }
  CHECK(read_text(t / "f") == "first");
  {
    FileWriter w(t / "f");
    w.write("sec"), w.write("ond");
    w.commit();
  }
  CHECK(read_text(t / "f") == "second");
  CHECK(std::distance(std::filesystem::directory_iterator(t.path), {}) == 1);
}

TEST_CASE("a failed write names the file and the cause, and leaves the old file") {
  const TemporaryFolder t;
  write_file(t / "f", "old");
  refused([&] { write_file(t / "no/such/f", "x"); }, ExitCode::write, "WRITE-FILE-001", "open", "No such file");
  rlimit before{}, small{4096, RLIM_INFINITY};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  small.rlim_max = before.rlim_max;
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ::setrlimit(RLIMIT_FSIZE, &small);
  refused([&] { write_file(t / "f", std::string(100000, 'x')); }, ExitCode::write, "WRITE-FILE-001", "write",
          "File too large");
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK(read_text(t / "f") == "old");
  CHECK(std::distance(std::filesystem::directory_iterator(t.path), {}) == 1);
}

TEST_CASE("folders are made with those above them, and a file in the way is named") {
  const TemporaryFolder t;
  make_folders(t / "a/b/c");
  make_folders(t / "a/b/c");
  CHECK(std::filesystem::is_directory(t / "a/b/c"));
  t.write("a/file", "x");
  refused([&] { make_folders(t / "a/file"); }, ExitCode::write, "WRITE-FILE-004");
  refused([&] { make_folders(t / "a/file/d"); }, ExitCode::write, "WRITE-FILE-004");
}
