// Features are found again by the picture's bytes and by what they were made with; damage and lack of room are said.
#include <catch2/catch.hpp>
#include <fstream>
#include <unit/io/temporary_folder.hpp>
#include <vlt/data/feature_cache.hpp>

using namespace vlt;
using data::DiskFeatures;
using data::MemoryFeatures;
using vlt::test::TemporaryFolder;

namespace {

const std::vector<float> some{1, -2.5F, 3e-30F, 0}, others{5, 6, 7, 8};

std::vector<float> found(data::FeatureCache& cache, const std::string& key, std::size_t floats = 4) {
  std::vector<float> to(floats, -1);
  return cache.find(key, to) ? to : std::vector<float>{};
}
std::string code_of_news(data::FeatureCache& cache) {
  std::string codes;
  for (const Complaint& c : cache.news()) codes += (codes.empty() ? "" : " ") + c.code();
  return codes;
}
void damage(const std::string& path, std::streamoff at, char byte) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(at);
  file.put(byte);
}

}  // namespace

TEST_CASE("a picture is known by its bytes and by what its features depend on besides") {
  const MemoryFeatures a("tower 1", 4, 1000), b("tower 2", 4, 1000);
  CHECK(a.key_of("bytes").size() == 32);
  CHECK(a.key_of("bytes") == MemoryFeatures("tower 1", 4, 0).key_of("bytes"));
  CHECK(a.key_of("bytes") != b.key_of("bytes"));
  CHECK(a.key_of("bytes") != a.key_of("byteS"));
}

TEST_CASE("what is kept in memory is found, as far as there is room") {
  MemoryFeatures cache("", 2, 40);
  CHECK(found(cache, "a").empty());
  cache.keep("a", some);
  cache.keep("a", others);  // what is known stays
  cache.keep("b", others);
  CHECK(cache.news().empty());
  cache.keep("c", some);
  cache.keep("d", some);
  CHECK(code_of_news(cache) == "WRITE-CACHE-007");  // once
  CHECK(code_of_news(cache).empty());
  cache.keep("e", std::vector<float>{9, 9});  // a smaller one still fits
  CHECK(found(cache, "a") == some);
  CHECK(found(cache, "b") == others);
  CHECK(found(cache, "c").empty());
  CHECK(found(cache, "e", 2) == std::vector<float>{9, 9});
  CHECK(cache.kept() == 3);
  CHECK(cache.found() == 3);
}

TEST_CASE("what is kept on disk is found by whoever comes later") {
  const TemporaryFolder t;
  const std::string folder = t / "features";
  std::string key;
  {
    DiskFeatures cache("o", 4, 10000, folder);
    key = cache.key_of("picture");
    cache.keep(key, some);
    cache.keep(key, others);  // what is known stays
    CHECK(found(cache, key) == some);
    CHECK(cache.kept() == 1);
  }
  DiskFeatures later("o", 4, 10000, folder), other("p", 4, 10000, folder);
  CHECK(found(later, later.key_of("picture")) == some);
  CHECK(found(other, other.key_of("picture")).empty());
  CHECK(found(later, later.key_of("another picture")).empty());
  CHECK(later.news().empty());
}

TEST_CASE("a file that is not what was written is said once, computed and written again") {
  const TemporaryFolder t;
  const std::string folder = t / "features";
  DiskFeatures cache("o", 4, 10000, folder);
  const std::string key = cache.key_of("picture"), path = cache.path_of(key), other = cache.key_of("other");
  const auto size = [&] { return std::filesystem::file_size(path); };
  const std::function<void()> damages[] = {
      [&] { damage(path, std::streamoff(size()) - 1, 1); },     // a float
      [&] { damage(path, 0, 'x'); },                            // another kind of file
      [&] { damage(path, 8, 'x'); },                            // another picture
      [&] { damage(path, 48, 'x'); },                           // its hash
      [&] { std::filesystem::resize_file(path, size() - 1); },  // cut off
      [&] { std::ofstream(path, std::ios::trunc); },            // empty
      [&] { std::filesystem::remove(path), std::filesystem::create_directory(path); },
  };
  for (const auto& damage_it : damages) {
    std::filesystem::remove_all(path);
    DiskFeatures fresh("o", 4, 10000, folder);
    fresh.keep(key, some);
    REQUIRE(found(fresh, key) == some);
    damage_it();
    CHECK(found(fresh, key).empty());
    CHECK(found(fresh, key).empty());
    CHECK(code_of_news(fresh) == "WRITE-CACHE-008");
    if (std::filesystem::is_directory(path)) break;
    fresh.keep(key, some);
    CHECK(found(fresh, key) == some);
    CHECK(fresh.news().empty());
  }
  std::filesystem::remove_all(path);
  cache.keep(other, others);
  std::filesystem::copy_file(cache.path_of(other), path);  // another picture's under this name
  CHECK(found(cache, key).empty());
  CHECK(code_of_news(cache) == "WRITE-CACHE-008");
}

TEST_CASE("a disk that takes no more ends the writing, not the run") {
  const TemporaryFolder t;
  const std::string folder = t / "features";
  DiskFeatures cache("o", 4, 10000, folder);
  const std::string a = cache.key_of("a"), b = cache.key_of("b");
  std::filesystem::remove_all(folder);  // whoever it was
  cache.keep(a, some);
  cache.keep(b, some);
  CHECK(code_of_news(cache) == "WRITE-CACHE-009");
  CHECK(cache.kept() == 0);
  CHECK(found(cache, a).empty());
}

TEST_CASE("the room on disk is that of all files and all processes") {
  const TemporaryFolder t;
  const std::string folder = t / "features";
  DiskFeatures first("o", 4, 10000, folder);
  first.keep(first.key_of("a"), some);
  const auto each = std::filesystem::file_size(first.path_of(first.key_of("a")));
  DiskFeatures second("o", 4, 3 * each, folder), half("o", 4, 3 * each, folder, 2);
  for (const char* picture : {"a", "b", "c", "d"}) second.keep(second.key_of(picture), some);
  CHECK(second.kept() == 2);
  CHECK(code_of_news(second) == "WRITE-CACHE-007");
  for (const char* picture : {"e", "f"}) half.keep(half.key_of(picture), some);
  CHECK(half.kept() == 1);
}

TEST_CASE("what a process that died left of a file is removed") {
  const TemporaryFolder t;
  const std::string folder = t / "features";
  DiskFeatures cache("o", 4, 10000, folder);
  cache.keep(cache.key_of("a"), some);
  std::ofstream(folder + "/" + cache.key_of("b") + ".features.tmp.77.0") << "half";
  std::ofstream(folder + "/notes.txt") << "mine";
  DiskFeatures::remove_drafts(folder);
  std::size_t left = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) left += entry.is_regular_file();
  CHECK(left == 2);
  CHECK(found(cache, cache.key_of("a")) == some);
}
