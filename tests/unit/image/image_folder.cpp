#include "unit/data/dataset_text.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <catch2/catch.hpp>
#include <vlt/image/image_folder.hpp>

using namespace vlt;
using namespace vlt::test;
using Catch::Matchers::Contains;

namespace {

// What checking a name says: code, sentence, help; "ok" if the file was reached and judged by its bytes.
std::string said(const image::ImageFolder& images, const std::string& name) {
  try {
    images.check(name, true);
  } catch (const Error& e) {
    const Complaint& c = e.complaint();
    if (c.code().starts_with("DATA-IMAGE")) return "ok";
    CHECK(e.exit() == ExitCode::data);
    return c.code() + " " + c.what() + " " + c.help();
  }
  return "ok";
}

}  // namespace

TEST_CASE("names stay inside the image folder") {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder.path + "/in/sub");
  folder.write("outside.png", "x"), folder.write("in/Cat.png", "x"), folder.write("in/sub/a.png", "x");
  folder.write("in/%2e%2e", "x");
  std::filesystem::create_symlink("sub/a.png", folder.path + "/in/link.png");
  std::filesystem::create_symlink("../outside.png", folder.path + "/in/escape.png");
  std::filesystem::create_symlink("loop.png", folder.path + "/in/loop.png");
  REQUIRE(::mkfifo((folder.path + "/in/pipe").c_str(), 0600) == 0);
  const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  (folder.path + "/in/socket").copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  ::close(socket);

  const image::ImageFolder images(folder.path + "/in");
  const std::pair<std::string, const char*> cases[] = {
      {"../outside.png", "escapes"},
      {"../../etc/passwd", "escapes"},
      {"sub/../../outside.png", "escapes"},
      {"escape.png", "escapes"},
      {"/etc/passwd", "absolute"},
      {"loop.png", "not-regular"},
      {"sub", "not-regular"},
      {".", "not-regular"},
      {"pipe", "not-regular"},
      {"socket", "not-regular"},
      {"http://x/y.png", "URLs are not fetched"},
      {"file:///etc/passwd", "URLs are not fetched"},
      {"..\\..\\outside.png", "missing"},
      {std::string("Cat.png\0.jpg", 12), "NUL in file name"},
      {std::string(256, 'a'), "too-long"},
      {"", "missing"},
      {"%2e%2e/outside.png", "DATA-PATH"},
      {"Cap.png", "did you mean \"Cat.png\""},
      {"cat.png", "letters differ in case"},
      {"Cat.png,sub/a.png", "use a list for several images"},
  };
  for (const auto& [name, word] : cases) {
    INFO(name);
    CHECK_THAT(said(images, name), Contains(word));
  }
  CHECK(said(images, "link.png") == "ok");
  CHECK(said(images, "sub/a.png") == "ok");
  CHECK(said(images, "sub/../Cat.png") == "ok");
  CHECK(images.read("link.png") == "x");
}

TEST_CASE("a folder one level too high or too low is named") {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder.path + "/data/images/deep");
  folder.write("data/images/cat.png", "x");
  folder.write("data/note.txt", "x");
  CHECK_THAT(said(image::ImageFolder(folder.path + "/data"), "cat.png"),
             Contains("did you mean --image_folder " + folder.path + "/data/images?"));
  CHECK_THAT(said(image::ImageFolder(folder.path + "/data/images"), "images/cat.png"),
             Contains("did you mean --image_folder " + folder.path + "/data/images/..?"));
  CHECK_THAT(said(image::ImageFolder(folder.path + "/data"), "dog.png"), !Contains("--image_folder"));
}

TEST_CASE("a missing file without advice; no folder at all") {
  const TemporaryFolder folder;
  folder.write("cat.png", "x");
  const image::ImageFolder images(folder.path), none("");
  try {
    images.check("cut.png", false);
    FAIL("a missing image was accepted");
  } catch (const Error& e) {
    CHECK(e.complaint().code() == "DATA-PATH-001");
    CHECK(e.complaint().help() == "");
    CHECK(e.complaint().place() == folder.path);
  }
  try {
    none.check("cat.png", false);
    FAIL("an image was found without a folder");
  } catch (const Error& e) {
    CHECK(e.exit() == ExitCode::usage);
    CHECK_THAT(e.complaint().expected(), Contains("--image_folder"));
  }
  CHECK_THROWS_AS(image::ImageFolder(folder.path + "/nothing"), Error);
}

TEST_CASE("the data set's images are looked at as bytes") {
  const TemporaryFolder folder;
  folder.write("empty.png", ""), folder.write("text.png", "hello"), folder.write("x.gif", "GIF89a......");
  const image::ImageFolder images(folder.path);
  for (const char* name : {"empty.png", "text.png", "x.gif"}) {
    try {
      images.check(name, false);
      FAIL("accepted");
    } catch (const Error& e) {
      CHECK_THAT(e.complaint().code(), Contains("DATA-IMAGE"));
      CHECK_THAT(e.complaint().place(), Contains(name));
    }
  }
}
