#include <sys/resource.h>
#include <unit/io/temporary_folder.hpp>
#include <vlt/io/standard_streams.hpp>
#include <vlt/report/record_file.hpp>

using namespace vlt;
using report::RecordFile;
using vlt::test::read_text;
using vlt::test::TemporaryFolder;

namespace {

std::vector<std::string> records(const std::string& path) {
  std::vector<std::string> all;
  report::for_each_record(path, [&](std::string_view bytes) { all.emplace_back(bytes); });
  return all;
}

// No file may grow beyond this while it lives.
struct LargestFile {
  rlimit before{};
  explicit LargestFile(rlim_t bytes) {
    prepare_streams();  // the limit's signal is ignored, as in the programs
    ::getrlimit(RLIMIT_FSIZE, &before);
    rlimit less = before;
    less.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &less);
  }
  ~LargestFile() { ::setrlimit(RLIMIT_FSIZE, &before); }
};

}  // namespace

TEST_CASE("a record is framed as TensorFlow frames it") {
  const TemporaryFolder t;
  RecordFile file(t / "r", "the log");
  file.add("abc");
  // by the RecordWriter of TensorBoard
  CHECK(read_text(t / "r") == std::string("\x03\0\0\0\0\0\0\0\xB0\x99\x49\x0E"
                                          "abc\x6E\x57\xF1\x21",
                                          19));
}

TEST_CASE("records come back up to the first that is not whole") {
  const TemporaryFolder t;
  {
    RecordFile file(t / "r", "the log");
    for (const char* bytes : {"first", "", "third"}) file.add(bytes);
  }
  const std::string whole = read_text(t / "r");
  CHECK(records(t / "r") == std::vector<std::string>{"first", "", "third"});
  CHECK(records(t / "none").empty());
  for (std::size_t cut = 1; cut <= 21; ++cut) {
    t.write("cut", whole.substr(0, whole.size() - cut));
    CHECK(records(t / "cut") == std::vector<std::string>{"first", ""});
  }
  for (const std::size_t place : {0u, 9u, 13u, 18u}) {
    std::string damaged = whole;
    damaged[place] ^= 1;
    CHECK(records(t.write("damaged", damaged)).empty());
  }
  std::string endless(8, '\x7F');
  endless += little_endian(report::masked_crc(endless), 4);
  CHECK(records(t.write("endless", endless)).empty());
}

TEST_CASE("of a record that cannot be written nothing stays, and the next may be") {
  const TemporaryFolder t;
  RecordFile file(t / "r", "the log");
  file.add("first");
  {
    const LargestFile limit(100);
    test::refused([&] { file.add(std::string(200, 'x')); }, ExitCode::write, "WRITE-LOG-001", "the log",
                  "File too large");
    CHECK(records(t / "r") == std::vector<std::string>{"first"});
    CHECK(std::filesystem::file_size(t / "r") == 21);
  }
  file.add("second");
  CHECK(records(t / "r") == std::vector<std::string>{"first", "second"});
  test::refused([&] { RecordFile again(t / "r", "the log"); }, ExitCode::write, "WRITE-LOG-001", "File exists");
}
