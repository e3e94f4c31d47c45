// What ranks are doing, seen by those that wait for them in vain.
#include <catch2/catch.hpp>
#include <thread>
#include <vlt/dist/stalled.hpp>
#include <vlt/dist/thread_group.hpp>

using namespace vlt;
using dist::RankPhase;

TEST_CASE("a standing tells step, phase, and for how long") {
  dist::Standing s;
  CHECK((s.step() == 0 && s.phase() == RankPhase::starting && !s.waits()));
  s.begin(Index(7)), s.begin(RankPhase::backward), s.wait(true);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK((s.step() == 7 && s.phase() == RankPhase::backward && s.waits()));
  CHECK(s.seconds() >= 0.02);
  s.begin(RankPhase::reporting), s.wait(false);
  CHECK(s.seconds() < 0.02);
  CHECK(std::string(dist::name(s.phase())) == "report");
}

TEST_CASE("a stall names the ranks that do not wait") {
  dist::Standing standings[3];
  const std::vector<dist::RankStanding> here{{4, &standings[0]}, {5, &standings[1]}, {7, &standings[2]}};
  const auto what = [&] { return dist::stalled_ranks(here, "a barrier", 2.5).what(); };
  CHECK(what() == "ranks 4, 5, 7 kept the others waiting for 2.5 s");
  standings[0].wait(true), standings[2].wait(true);
  CHECK(what() == "rank 5 kept the others waiting for 2.5 s");
  standings[1].begin(Index(12)), standings[1].begin(RankPhase::loading);
  const std::string table = dist::standings_table(here);
  CHECK_THAT(table,
             Catch::Contains("4     0     starting               0  waits\n5     12    loading                0\n"));
  standings[1].wait(true);
  CHECK(what() == "a rank of another machine kept the others waiting for 2.5 s");
}

TEST_CASE("ranks wait for one that hangs as long as they are told to", "[threads]") {
  std::vector<std::string> said(3);
  const auto run = [&] {
    dist::ThreadGroup::run(3, [&](dist::World& world) {
      world.wait_at_most(0.2);
      world.enters(9);
      world.barrier();
      if (world.rank() == 1) {
        world.does(RankPhase::loading);
        std::this_thread::sleep_for(std::chrono::milliseconds(600));
        return;
      }
      try {
        world.does(RankPhase::reducing);
        Index one = 1;
        world.all_reduce_sum(std::span(&one, 1));
      } catch (const Error& e) {
        if (e.exit() == ExitCode::stalled)
          said[std::size_t(world.rank())] = e.complaint().what() + e.complaint().found();
        throw;
      }
    });
  };
  CHECK_THROWS_AS(run(), Error);
  const auto stalls = std::count_if(said.begin(), said.end(), [](const auto& s) { return !s.empty(); });
  REQUIRE(stalls >= 1);  // the first one's leaving may be what the other notices
  for (const std::string& s : said)
    if (!s.empty()) {
      CHECK_THAT(s, Catch::StartsWith("rank 1 kept the others waiting for 0.2 s"));
      CHECK_THAT(s, Catch::Contains("1     9     loading"));
    }
}
