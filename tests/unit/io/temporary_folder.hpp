#pragma once
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>
#include <vlt/base/error.hpp>

namespace vlt::test {

// A folder of its own that is removed when the test ends.
struct TemporaryFolder {
  std::string path;
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "vlt_XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string operator/(std::string_view name) const { return path + "/" + std::string(name); }
  std::string write(std::string_view name, std::string_view text) const {
    std::filesystem::create_directories(std::filesystem::path(*this / name).parent_path());
    std::ofstream(*this / name, std::ios::binary) << text;
    return *this / name;
  }
};

inline std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Runs f, which must throw an Error with this code and exit whose texts contain every one of the words.
template <class F, class... Words> void refused(F&& f, ExitCode exit, const std::string& code, const Words&... words) {
  bool thrown = false;
  try {
    f();
  } catch (const Error& e) {
    thrown = true;
    const Complaint& c = e.complaint();
    const std::string all = c.what() + " | " + c.place() + " | " + c.expected() + " | " + c.found() + " | " + c.help();
    CHECK(c.code() == code);
    CHECK(e.exit() == exit);
    const std::vector<std::string> mentioned{std::string(words)...};
    for (const std::string& word : mentioned) CHECK_THAT(all, Catch::Contains(word));
  }
  INFO("expected " << code);
  CHECK(thrown);
}

}  // namespace vlt::test
