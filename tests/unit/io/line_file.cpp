// Lines that reach the system one by one, and files and folders that are never written over.
#include <sys/resource.h>

#include <unit/io/temporary_folder.hpp>
#include <vlt/io/folder.hpp>
#include <vlt/io/line_file.hpp>

using namespace vlt;
using vlt::test::read_text;
using vlt::test::refused;
using vlt::test::TemporaryFolder;

TEST_CASE("each line is in the file when the call returns") {
  const TemporaryFolder t;
  LineFile file(t / "f", "the lines");
  file.write("one");
  CHECK(read_text(t / "f") == "one\n");
  file.write("");
  file.write("three");
  CHECK(read_text(t / "f") == "one\n\nthree\n");
  const LineFile again(t / "f", "the lines");
  CHECK(read_text(t / "f").empty());
}

TEST_CASE("a file of lines that must be new is") {
  const TemporaryFolder t;
  t.write("f", "precious");
  refused([&] { LineFile(t / "f", "x", LineFile::Existing::refuse); }, ExitCode::usage, "OPT-OUT-012", t / "f");
  CHECK(read_text(t / "f") == "precious");
  LineFile(t / "g", "x", LineFile::Existing::refuse).write("line");
  CHECK(read_text(t / "g") == "line\n");
  CHECK_NOTHROW(LineFile("/dev/null", "x", LineFile::Existing::refuse).write("a device takes what comes"));
}

TEST_CASE("a line that cannot be written is told with the system's reason") {
  const TemporaryFolder t;
  refused([&] { LineFile(t / "no/f", "the lines"); }, ExitCode::write, "WRITE-LOG-001", "the lines cannot be written",
          "No such file or directory (2)");
  LineFile full("/dev/full", "the lines");
  refused([&] { full.write("x"); }, ExitCode::write, "WRITE-LOG-001", "No space left on device (28)");
}

TEST_CASE("a folder for the output is new or empty") {
  const TemporaryFolder t;
  CHECK_NOTHROW(require_new_folder("", "--to"));
  CHECK_NOTHROW(require_new_folder(t / "new", "--to"));
  CHECK_NOTHROW(require_new_folder(t.path, "--to"));
  t.write("f", "x");
  refused([&] { require_new_folder(t.path, "--to"); }, ExitCode::usage, "OPT-OUT-012", "--to " + t.path, "\"f\"");
  refused([&] { require_new_folder(t / "f", "--to"); }, ExitCode::usage, "OPT-OUT-012", "a file of that name");
}

TEST_CASE("a process that may open no more files is told so, whatever the file") {
  const TemporaryFolder t;
  t.write("f", "x");
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const Folder folder(t.path);
  std::vector<std::string> codes;
  const auto code_of = [&](auto&& f) {
    try {
      f();
    } catch (const Error& e) { codes.push_back(e.complaint().code() + " " + std::to_string(int(e.exit()))); }
  };
  // The undefined-behaviour sanitizer opens a pipe when it meets a type: here it meets errors, while it can.
  code_of([&] { open_file(t / "missing"); });
  codes.clear();
  const rlimit none{0, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  code_of([&] { open_file(t / "f"); });
  code_of([&] { folder.open("f"); });
  code_of([&] { const Folder another(t.path); });
  code_of([&] { const FileWriter w(t / "g"); });
  code_of([&] { const LineFile l(t / "h", "x"); });
  ::setrlimit(RLIMIT_NOFILE, &before);
  CHECK(codes == std::vector<std::string>(5, "OPT-FILES-023 2"));
}
