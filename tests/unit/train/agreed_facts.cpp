// What one rank of each machine finds out all ranks know, and machines that differ are refused.
#include <atomic>
#include <catch2/catch.hpp>
#include <vlt/dist/thread_group.hpp>
#include <vlt/train/agreed_facts.hpp>

using namespace vlt;

TEST_CASE("facts that some ranks find are those of all", "[threads]") {
  const std::vector<RunFact> facts{{"data", "file 1", "a hash, 7 bytes"}, {"model", "say \"x\"", "y", false}};
  std::atomic<int> asked{0};
  std::vector<std::vector<RunFact>> all(4);
  dist::ThreadGroup::run(4, [&](dist::World& world) {
    all[std::size_t(world.rank())] = agreed_facts(world, world.rank() % 2 == 1, [&] {
      ++asked;
      return facts;
    });
  });
  CHECK(asked == 2);
  for (const auto& one : all) CHECK(one == facts);
}

TEST_CASE("machines that hold different files are told which", "[threads]") {
  std::vector<std::string> said(3);
  const auto run = [&] {
    dist::ThreadGroup::run(3, [&](dist::World& world) {
      const std::string hash = world.rank() == 2 ? "other" : "one";
      try {
        agreed_facts(world, true, [&] { return std::vector<RunFact>{{"data", "file", "x"}, {"model", "w", hash}}; });
      } catch (const Error& e) {
        said[std::size_t(world.rank())] =
            e.complaint().code() + " " + e.complaint().place() + " " + e.complaint().found();
        throw;
      }
    });
  };
  CHECK_THROWS_AS(run(), Error);
  for (const std::string& s : said) CHECK(s == "OPT-RANKS-022 model: w other on rank 2");
}
