#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <fstream>
#include <thread>
#include <vector>
#include <vlt/program/output_folder.hpp>

using namespace vlt;

namespace {

struct Place {
  std::string path = std::filesystem::temp_directory_path() / ("vlt_output_" + std::to_string(::getpid()));
  ~Place() { std::filesystem::remove_all(path); }
};
std::string refusal(const std::string& path) {
  try {
    program::OutputFolder folder(path);
  } catch (const Error& e) { return e.complaint().code(); }
  return "";
}

}  // namespace

TEST_CASE("an output folder is made, locked, and free again") {
  const Place place;
  {
    program::OutputFolder mine(place.path);
    CHECK(std::filesystem::is_directory(place.path));
    CHECK(refusal(place.path) == "OPT-OUT-013");
  }
  CHECK(refusal(place.path).empty());
  CHECK(std::filesystem::is_empty(place.path));
}

TEST_CASE("a folder that holds something is refused and left alone") {
  const Place place;
  std::filesystem::create_directories(place.path);
  std::ofstream(place.path + "/weights") << "x";
  CHECK(refusal(place.path) == "OPT-OUT-012");
  CHECK(std::filesystem::exists(place.path + "/weights"));
  CHECK(!std::filesystem::exists(place.path + "/.lock"));
  CHECK(refusal(place.path + "/weights") == "OPT-OUT-012");
}

TEST_CASE("the list of bad records that a failed start left does not hinder the next", "[train]") {
  const Place place;
  std::filesystem::create_directories(place.path);
  std::ofstream(place.path + "/skipped.jsonl") << "{}";
  CHECK(refusal(place.path).empty());
  std::ofstream(place.path + "/metrics.jsonl") << "{}";
  CHECK(refusal(place.path) == "OPT-OUT-012");
}

TEST_CASE("a lock of a process that is gone does not count") {
  const Place place;
  std::filesystem::create_directories(place.path);
  std::ofstream(place.path + "/.lock") << "999999";
  CHECK(refusal(place.path).empty());
}

TEST_CASE("a lock names its owner, as far as one line shows it") {
  const Place place;
  const auto found = [&]() -> std::string {
    try {
      program::OutputFolder folder(place.path);
    } catch (const Error& e) { return e.complaint().found(); }
    return "";
  };
  {
    const program::OutputFolder mine(place.path);
    CHECK(found() == "process " + std::to_string(::getpid()) + " is writing there");
    std::ofstream(place.path + "/.lock") << std::string(31, '7') << "89";
    CHECK(found() == "process " + std::string(31, '7') + " is writing there");
    CHECK(std::filesystem::exists(place.path + "/.lock"));
  }
  std::filesystem::remove_all(place.path);
  std::ofstream(place.path) << "x";
  CHECK(found() == "it is not a folder");
}

TEST_CASE("a run that goes on takes the folder with what is there") {
  const Place place;
  std::filesystem::create_directories(place.path);
  std::ofstream(place.path + "/metrics.jsonl") << "{}";
  {
    program::OutputFolder mine(place.path, program::OutputFolder::Before::anything);
    CHECK(std::filesystem::exists(place.path + "/metrics.jsonl"));
    CHECK(refusal(place.path) == "OPT-OUT-013");
  }
  CHECK(refusal(place.path) == "OPT-OUT-012");
}

TEST_CASE("a folder never has two owners, however many come and go", "[threads]") {
  const Place place;
  std::atomic<int> owners{0}, worst{0}, won{0};
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  std::vector<std::thread> rivals;
  for (int r = 0; r < 4; ++r)
    rivals.emplace_back([&] {
      while (std::chrono::steady_clock::now() < end) {
        try {
          program::OutputFolder mine(place.path);
          if (const int now = ++owners; now > worst) worst = now;
          std::this_thread::sleep_for(std::chrono::microseconds(50));
          ++won, --owners;
        } catch (const Error&) {}
      }
    });
  for (std::thread& r : rivals) r.join();
  CHECK(worst == 1);
  CHECK(won > 10);
}
