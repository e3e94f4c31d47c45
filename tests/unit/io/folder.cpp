// No name leads out of a folder, whatever it goes through; every refusal says which kind it is.
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unit/io/temporary_folder.hpp>
#include <vlt/io/folder.hpp>

using namespace vlt;
using vlt::test::refused;
using vlt::test::TemporaryFolder;

namespace {

// root/ with a file, a link inside, links outside, and things that are not files; outside/ beside it.
struct Tree {
  TemporaryFolder base;
  Tree() {
    base.write("root/a.png", "inside");
    base.write("root/sub/b.png", "deeper");
    base.write("outside/secret", "secret");
    namespace fs = std::filesystem;
    fs::create_symlink("sub/b.png", base / "root/link_in");
    fs::create_symlink("../outside/secret", base / "root/link_out");
    fs::create_symlink("/etc/passwd", base / "root/link_absolute");
    fs::create_symlink("../outside", base / "root/folder_out");
    fs::create_symlink("loop_b", base / "root/loop_a");
    fs::create_symlink("loop_a", base / "root/loop_b");
    fs::create_symlink("/proc/self/root", base / "root/magic");
    REQUIRE(::mkfifo((base / "root/pipe").c_str(), 0600) == 0);
    const int s = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string name = base / "root/socket";
    std::snprintf(address.sun_path, sizeof address.sun_path, "%s", name.c_str());
    CHECK(::bind(s, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    ::close(s);
  }
  Folder folder() const { return Folder(base / "root", blame_data, "image"); }
};

}  // namespace

TEST_CASE("a folder opens what lies in it, links to its inside too") {
  const Tree t;
  const Folder f = t.folder();
  CHECK(f.read("a.png", 100) == "inside");
  CHECK(f.read("sub/b.png", 100) == "deeper");
  CHECK(f.read("sub/../a.png", 100) == "inside");
  CHECK(f.read("link_in", 100) == "deeper");
  CHECK(f.names() == std::vector<std::string>{"a.png", "folder_out", "link_absolute", "link_in", "link_out", "loop_a",
                                              "loop_b", "magic", "pipe", "socket", "sub"});
  CHECK_FALSE(f.find("nothing").has_value());
  CHECK(f.find("a.png").has_value());
  refused([&] { f.find(""); }, ExitCode::data, "DATA-PATH-007", "empty");
  CHECK(f.names(3).size() == 3);
  CHECK(f.read("a.png", 6) == "inside");
  refused([&] { f.read("a.png", 5); }, ExitCode::data, "DATA-FILE-003", "at most 5 bytes");
  CHECK(f.path() == t.base / "root");
  CHECK(f.name_of("x") == t.base / "root/x");
}

TEST_CASE("no descriptor stays open, and a process that may have no more is told so") {
  const Tree t;
  const auto open_files = [] { return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}); };
  const auto before = open_files();
  {
    const Folder f = t.folder();
    f.open("sub/b.png"), f.find("a.png"), f.names();
    for (const char* name : {"nothing", "pipe", "sub", "link_out", "A.PNG"}) CHECK_THROWS_AS(f.open(name), Error);
    CHECK_THROWS_AS(f.find("sub"), Error);
    CHECK(open_files() == before + 1);  // its own
    rlimit usual{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &usual) == 0);
    rlimit none = usual;
    none.rlim_cur = 0;
    const std::string root = t.base / "root";
    std::vector<std::string> codes;
    ::setrlimit(RLIMIT_NOFILE, &none);
    for (const std::function<void()>& needs_one : {std::function<void()>([&] { f.open("a.png"); }),
                                                   {[&] { Folder again(root); }},
                                                   {[&] { open_file(root + "/a.png"); }}})
      try {
        needs_one();
        codes.push_back("none");
      } catch (const Error& e) { codes.push_back(e.complaint().code()); }
    ::setrlimit(RLIMIT_NOFILE, &usual);
    CHECK(codes == std::vector<std::string>(3, "OPT-FILES-023"));
  }
  CHECK(open_files() == before);
}

TEST_CASE("names that leave the folder are refused with their reason") {
  const Tree t;
  const Folder f = t.folder();
  const auto refuses = [&](const std::string& name, const char* code, const char* word) {
    INFO(name);
    refused([&] { f.open(name); }, ExitCode::data, code, word, t.base / "root");
  };
  refuses("../outside/secret", "DATA-PATH-002", "escapes");
  refuses("../../etc/passwd", "DATA-PATH-002", "escapes");
  refuses("sub/../../outside/secret", "DATA-PATH-002", "escapes");
  refuses("link_out", "DATA-PATH-002", "escapes");
  refuses("link_absolute", "DATA-PATH-002", "escapes");
  refuses("folder_out/secret", "DATA-PATH-002", "escapes");
  refuses("/etc/passwd", "DATA-PATH-003", "absolute");
  refuses("..\\..\\x", "DATA-PATH-001", "missing");
  refuses("%2e%2e/x", "DATA-PATH-001", "missing");
  refuses("http://example.org/a.png", "DATA-PATH-007", "URLs are not fetched");
  refuses("file:///etc/passwd", "DATA-PATH-007", "URLs are not fetched");
  refuses("abcdefg://x", "DATA-PATH-007", "URLs are not fetched");
  refuses("abcdefgh://x", "DATA-PATH-001", "missing");
  refuses(std::string("a.png\0.jpg", 10), "DATA-PATH-007", "NUL in file name");
  refuses("", "DATA-PATH-007", "empty");
  CHECK_THROWS_AS(f.open("magic/etc/passwd"), Error);
}

TEST_CASE("only regular files are opened, and nothing blocks") {
  const Tree t;
  const Folder f = t.folder();
  const auto refuses = [&](const std::string& name, const char* code, const char* word) {
    INFO(name);
    refused([&] { f.open(name); }, ExitCode::data, code, word);
  };
  refuses("sub", "DATA-PATH-004", "not-regular: a directory |");
  refuses(".", "DATA-PATH-004", "not-regular: a directory |");
  refuses("pipe", "DATA-PATH-004", "not-regular: a pipe |");
  refuses("socket", "DATA-PATH-004", "not-regular: a socket |");
  refuses("loop_a", "DATA-PATH-004", "loop");
  refuses(std::string(256, 'x'), "DATA-PATH-006", "too-long");
  refuses(std::string(5000, 'x'), "DATA-PATH-006", "too-long");
  refused([] { Folder("/dev", blame_model).open("null"); }, ExitCode::model, "MODEL-PATH-004", "a device");
}

TEST_CASE("a missing file is answered with the nearest name") {
  const Tree t;
  const Folder f = t.folder();
  refused([&] { f.open("A.PNG"); }, ExitCode::data, "DATA-PATH-001", "missing", "\"a.png\"", "case");
  refused([&] { f.open("sub/bb.png"); }, ExitCode::data, "DATA-PATH-001", "\"sub/b.png\"");
  refused([&] { f.open("../outside/secre"); }, ExitCode::data, "DATA-PATH-002");
}

TEST_CASE("a file without permission says so") {
  const TemporaryFolder t;
  t.write("closed", "x");
  ::chmod((t / "closed").c_str(), 0), ::chmod(t.path.c_str(), 0755);
  const uid_t me = ::geteuid();
  if (me == 0) REQUIRE(::seteuid(65534) == 0);  // root may read everything: be nobody for a moment
  refused([&] { Folder(t.path, blame_data).open("closed"); }, ExitCode::data, "DATA-PATH-005", "denied");
  refused([&] { open_file(t / "closed"); }, ExitCode::model, "MODEL-PATH-005", "denied");
  if (me == 0) REQUIRE(::seteuid(me) == 0);
}

TEST_CASE("a folder that is none is refused") {
  const TemporaryFolder t;
  t.write("file", "x");
  refused([&] { Folder(t / "nothing"); }, ExitCode::model, "MODEL-PATH-001", "cannot be opened", "No such file");
  refused([&] { Folder(t / "file"); }, ExitCode::model, "MODEL-PATH-004", "Not a directory");
}

TEST_CASE("a snapshot of the Hugging Face cache may link to its own blobs, and to nothing else") {
  const TemporaryFolder t;
  t.write("models--a--b/blobs/1234", "weights");
  t.write("models--a--c/blobs/9999", "another model's");
  t.write("models--a--b/snapshots/abcd/plain", "text");
  namespace fs = std::filesystem;
  const std::string snapshot = t / "models--a--b/snapshots/abcd";
  fs::create_symlink("../../blobs/1234", snapshot + "/model.safetensors");
  fs::create_symlink("../../../models--a--c/blobs/9999", snapshot + "/other");
  for (const std::string& path : {snapshot, snapshot + "/"}) {
    const Folder f(path);
    CHECK(f.read("model.safetensors", 100) == "weights");
    CHECK(f.read("plain", 100) == "text");
    CHECK(f.names() == std::vector<std::string>{"model.safetensors", "other", "plain"});
    refused([&] { f.open("other"); }, ExitCode::model, "MODEL-PATH-002", "escapes");
  }
}

TEST_CASE("what only looks like a snapshot may not link out of itself") {
  const TemporaryFolder t;
  namespace fs = std::filesystem;
  for (const std::string& path : {t / "plain/snapshots/abcd", t / "models--a--b/snapshotz/abcd",
                                  t / "models--a--b/x/snapshots/abcd", t / "x-models--a--b/snapshots/abcd"}) {
    INFO(path);
    fs::create_directories(path);
    std::ofstream(path + "/../../outside") << "secret";
    fs::create_symlink("../../outside", path + "/link");
    refused([&] { Folder(path).open("link"); }, ExitCode::model, "MODEL-PATH-002", "escapes");
  }
}
