#include <unit/io/temporary_folder.hpp>
#include <vlt/io/file_hash.hpp>

using namespace vlt;
using vlt::test::TemporaryFolder;

TEST_CASE("a stream's hash is xxHash's own, whatever the pieces") {
  // xxhsum -H128
  CHECK(StreamHash().text() == "xxh3-128:99aa06d3014798d86001c324468d497f");
  CHECK(StreamHash().add("").text() == StreamHash().text());
  CHECK(StreamHash().add("abc").text() == "xxh3-128:06b05ab6733a618578af5f94892f3950");
  std::string bytes;
  for (int i = 0; i < 5000; ++i) bytes += char(i * 7 + i / 256);
  for (const std::size_t piece : {1, 3, 240, 241, 256, 1024, 4999}) {
    StreamHash hash;
    for (std::size_t at = 0; at < bytes.size(); at += piece) hash.add(std::string_view(bytes).substr(at, piece));
    CHECK(hash.text() == StreamHash().add(bytes).text());
  }
  StreamHash twice;
  twice.add("ab");
  CHECK(twice.text() == twice.text());  // asking changes nothing
  CHECK(twice.add("c").text() == StreamHash().add("abc").text());
}

TEST_CASE("a file's hash is that of all its bytes") {
  const TemporaryFolder t;
  std::string bytes(std::size_t(5) << 19, 'x');  // two blocks and a half
  const std::string before = file_hash(open_file(t.write("f", bytes)));
  CHECK(before == StreamHash().add(bytes).text());
  for (const std::size_t at : {std::size_t(0), (std::size_t(1) << 20) - 1, std::size_t(1) << 20, bytes.size() - 1}) {
    bytes[at] = 'y';
    CHECK(file_hash(open_file(t.write("f", bytes))) == StreamHash().add(bytes).text());
    CHECK(file_hash(open_file(t / "f")) != before);
    bytes[at] = 'x';
  }
  CHECK(file_hash(open_file(t.write("empty", ""))) == StreamHash().text());
}
