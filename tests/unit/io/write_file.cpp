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

namespace {

std::ptrdiff_t entries(const std::string& folder) {
  return std::distance(std::filesystem::directory_iterator(folder), {});
}
unsigned mode(const std::string& path) {
  struct stat s {};
  return ::stat(path.c_str(), &s) == 0 ? s.st_mode & 07777 : 0;
}

}  // namespace

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

TEST_CASE("a file changes hands with all that it is") {
  const TemporaryFolder t;
  CHECK(errno_text(ENOENT) == "No such file or directory (2)");
  refused([] { refuse_lack_of_descriptors(ENFILE, "here"); }, ExitCode::usage, "OPT-FILES-023", "here", "(23)");
  CHECK_NOTHROW(refuse_lack_of_descriptors(ENOENT, "here"));
  const auto open_files = [] { return entries("/proc/self/fd"); };
  const auto before = open_files();
  {
    File one = open_file(t.write("one", "1"), blame_data), three = open_file(t.write("three", "333"));
    File moved = std::move(one);
    CHECK((moved.size() == 1 && moved.name() == t / "one" && moved.read_all(1) == "1"));
    moved = std::move(three);
    CHECK((moved.size() == 3 && moved.name() == t / "three" && moved.read_all(3) == "333"));
    refused([&] { moved.read_all(2, "shorten it"); }, ExitCode::model, "MODEL-FILE-003", "at most 2 bytes",
            "shorten it", t / "three");
    refused([&] { three.read_all(0); }, ExitCode::model, "MODEL-FILE-003", t / "one");  // they were swapped
    char byte = 0;
    moved.read(2, &byte, 1);
    CHECK(byte == '3');
    refused([&] { moved.read(3, &byte, 1); }, ExitCode::model, "MODEL-FILE-002", "@ byte 3 |", "3 bytes");
    CHECK_THROWS_AS(open_file(t.path), Error);
    CHECK_THROWS_AS(open_file(t / "nothing"), Error);
    CHECK(open_files() == before + 2);
  }
  CHECK(open_files() == before);
  CHECK(read_whole_file(t / "one", 1) == "1");
  refused([&] { read_whole_file(t / "three", 2, blame_option); }, ExitCode::usage, "OPT-FILE-003");
  refused([] { open_file("/dev/null"); }, ExitCode::model, "MODEL-PATH-004", "a device, pipe or socket");
  refused([] { File(-1, "none", blame_model); }, ExitCode::model, "MODEL-FILE-001", "cannot be examined",
          "Bad file descriptor (9)");
  const File folder(::open(t.path.c_str(), O_RDONLY), "folder", blame_model);
  char byte = 0;
  refused([&] { folder.read(0, &byte, 1); }, ExitCode::model, "MODEL-FILE-001", "cannot be read",
          "Is a directory (21)");
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
    CHECK(w.path() == t / "f");
    w.write("sec"), w.write("on"), w.write("d");
    w.commit();
  }
  CHECK(read_text(t / "f") == "second");
  CHECK(entries(t.path) == 1);
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
  CHECK(entries(t.path) == 1);
}

TEST_CASE("what cannot be written says what it needed and what helps") {
  const TemporaryFolder t;
  refused([&] { FileWriter w(t / "no/such/f"); }, ExitCode::write, "WRITE-FILE-001", "room for the file",
          t / "no/such/f");
  refused([&] { FileWriter w(t / "no/such/f", 1); }, ExitCode::write, "WRITE-FILE-001", "room for 1 bytes");
  refused([&] { write_file(t / "no/such/f", "four"); }, ExitCode::write, "WRITE-FILE-001", "room for 4 bytes");
  const auto complaint = [&](const std::string& path, int error) {
    try {
      writing::fail(path, "step", error);
    } catch (const Error& e) {
      CHECK(e.exit() == (error == EMFILE ? ExitCode::usage : ExitCode::write));
      CHECK(e.complaint().place() == path);
      return e.complaint();
    }
  };
  for (const int full : {ENOSPC, EDQUOT}) {
    const Complaint c = complaint(t / "f", full);
    CHECK(c.code() == "WRITE-FILE-002");
    CHECK(c.expected() == "room for the file");
    const std::string known = "step: " + errno_text(full) + ", free: ";
    CHECK(c.found().substr(0, known.size()) == known);
    CHECK_THAT(c.found(), Catch::EndsWith(" bytes"));
    CHECK_THAT(c.help(), Catch::StartsWith("free some space"));
    CHECK(complaint(t / "no/such/f", full).found() == "step: " + errno_text(full));  // nobody knows how much is free
  }
  CHECK(complaint(t / "f", EFBIG).code() == "WRITE-FILE-001");
  CHECK_THAT(complaint(t / "f", EFBIG).help(), Catch::Contains("ulimit -f"));
  CHECK(complaint(t / "f", EIO).found() == "step: " + errno_text(EIO));
  CHECK(complaint(t / "f", EIO).help().empty());
  CHECK(complaint(t / "f", EMFILE).code() == "OPT-FILES-023");
}

TEST_CASE("how much is free is what the file system says") {
  const TemporaryFolder t;
  const auto space = free_space(t.path);
  REQUIRE(space);
  CHECK(double(space->bytes) == Approx(double(std::filesystem::space(t.path).available)).epsilon(0.5));
  CHECK(space->files);
  const auto uncounted = free_space("/proc");  // holds nothing that is written, and counts no files
  REQUIRE(uncounted);
  CHECK(uncounted->files);
  CHECK_FALSE(free_space(t / "nothing"));
  CHECK(writing::parent_of("f") == ".");
  CHECK(writing::parent_of("/f") == "/");
  CHECK(writing::parent_of("/a/f") == "/a");
}

TEST_CASE("only a folder can be made durable") {
  const TemporaryFolder t;
  CHECK_NOTHROW(writing::sync_folder(t.path));
  refused([&] { writing::sync_folder(t / "nothing"); }, ExitCode::write, "WRITE-FILE-003", t / "nothing",
          "No such file");
  refused([&] { writing::sync_folder(t.write("file", "")); }, ExitCode::write, "WRITE-FILE-003", "Not a directory");
}

TEST_CASE("nothing stays open, and a writer removes its own file only") {
  const TemporaryFolder t;
  const auto open_files = [] { return entries("/proc/self/fd"); };
  const auto before = open_files();
  write_file(t / "f", "x");
  FileWriter(t / "g").write("half");
  CHECK(open_files() == before);
  {
    FileWriter second = [&] {
      FileWriter first(t / "f");
      first.commit();
      return FileWriter(t / "f");  // under the same temporary name
    }();
    second.write("second");
    second.commit();
  }
  CHECK(read_text(t / "f") == "second");
  CHECK(open_files() == before);
}

TEST_CASE("others may read and write what the user's mask lets them") {
  const TemporaryFolder t;
  const auto mask = ::umask(0);
  write_file(t / "f", "x");
  make_folders(t / "folder");
  ::umask(mask);
  CHECK(mode(t / "f") == 0666);
  CHECK(mode(t / "folder") == 0777);
}

TEST_CASE("the folder of an output is new or empty") {
  const TemporaryFolder t;
  CHECK_NOTHROW(require_new_folder("", "--out"));
  CHECK_NOTHROW(require_new_folder(t / "nothing", "--out"));
  CHECK_NOTHROW(require_new_folder(t.path, "--out"));
  const std::string file = t.write("file", "x");
  refused([&] { require_new_folder(t.path, "--out"); }, ExitCode::usage, "OPT-OUT-012", "--out " + t.path,
          "it holds \"file\"");
  refused([&] { require_new_folder(file, "--out"); }, ExitCode::usage, "OPT-OUT-012", "a file of that name");
}

TEST_CASE("folders are made with those above them, and a file in the way is named") {
  const TemporaryFolder t;
  make_folders(t / "a/b/c");
  make_folders(t / "a/b/c");
  CHECK(std::filesystem::is_directory(t / "a/b/c"));
  make_folders(t / "longer/name");
  CHECK(entries(t.path) == 2);
  t.write("a/file", "x");
  refused([&] { make_folders(t / "a/file"); }, ExitCode::write, "WRITE-FILE-004");
  refused([&] { make_folders(t / "a/file/d"); }, ExitCode::write, "WRITE-FILE-004");
}
