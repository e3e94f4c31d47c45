// Who computes where: local ranks, and cores that several ranks could use.
#include <catch2/catch.hpp>
#include <vlt/dist/seat.hpp>
#include <vlt/dist/thread_group.hpp>

using namespace vlt;
using dist::Seat;

namespace {

const std::vector<int> eight{0, 1, 2, 3, 4, 5, 6, 7};

// What all ranks together make of seats that they name; what is refused, if it is.
struct Shared {
  std::vector<Seat> seats;
  std::string code, found;
};
Shared share(const std::vector<Seat>& named, bool divide = true) {
  Shared s;
  std::vector<std::vector<Seat>> all(named.size());
  try {
    dist::ThreadGroup::run(int(named.size()), [&](dist::World& world) {
      const auto rank = std::size_t(world.rank());
      all[rank] = dist::share_machines(world, named[rank], divide);
    });
  } catch (const Error& e) { s.code = e.complaint().code(), s.found = e.complaint().found(); }
  for (const auto& one : all)
    if (s.code.empty() && one != all[0]) s.code = "ranks disagree";
  s.seats = all[0];
  return s;
}

std::string refused(const dist::Launch& launch, Index asked) {
  try {
    dist::local_rank(launch, asked);
  } catch (const Error& e) { return e.complaint().code() + " " + e.complaint().expected(); }
  return {};
}

}  // namespace

TEST_CASE("a local rank is what the launcher says, or what is given and does not contradict it") {
  const dist::Launch none, open_mpi{4, "mpirun", 2}, silent{4, "mpirun", {}};
  CHECK_FALSE(dist::local_rank(none, -1));
  CHECK(dist::local_rank(open_mpi, -1) == 2);
  CHECK(dist::local_rank(open_mpi, 2) == 2);
  CHECK(dist::local_rank(silent, 3) == 3);
  CHECK_FALSE(dist::local_rank(silent, -1));
  CHECK(dist::local_rank(none, 0) == 0);
  CHECK(refused(open_mpi, 0) == "OPT-LOCAL-027 2, as mpirun says");
  CHECK(refused(none, 1) == "OPT-LOCAL-027 0, of one process");
}

TEST_CASE("ranks that may run on the same cores are given parts of them", "[threads]") {
  const Shared two = share({{"a", -1, eight}, {"a", -1, eight}, {"b", -1, eight}});
  CHECK(two.seats == std::vector<Seat>{{"a", 0, {0, 1, 2, 3}}, {"a", 1, {4, 5, 6, 7}}, {"b", 0, eight}});
  const Shared turned = share({{"a", 1, eight}, {"a", 0, eight}});  // local ranks decide
  CHECK(turned.seats == std::vector<Seat>{{"a", 1, {4, 5, 6, 7}}, {"a", 0, {0, 1, 2, 3}}});
  const Shared bound = share({{"a", 0, {0, 1}}, {"a", 1, {2, 3}}});  // by the launcher
  CHECK(bound.seats == std::vector<Seat>{{"a", 0, {0, 1}}, {"a", 1, {2, 3}}});
  const Shared uneven = share({{"a", 0, {1, 4, 9}}, {"a", 1, {1, 4, 9}}});
  CHECK(uneven.seats == std::vector<Seat>{{"a", 0, {1}}, {"a", 1, {4, 9}}});
  const Shared few = share({{"a", 0, {3}}, {"a", 1, {3}}});
  CHECK(few.seats == std::vector<Seat>{{"a", 0, {3}}, {"a", 1, {3}}});
  const Shared whole = share({{"a", 0, eight}, {"a", 1, eight}}, false);
  CHECK(whole.seats == std::vector<Seat>{{"a", 0, eight}, {"a", 1, eight}});
  CHECK(dist::seats_table(two.seats).starts_with("rank 0: local rank 0 on a, cores 0-3\nrank 1: local rank 1 on a"));
}

TEST_CASE("local ranks that cannot be are refused on every rank", "[threads]") {
  const Shared twice = share({{"a", 0, eight}, {"a", 0, eight}});
  CHECK(twice.code == "OPT-LOCAL-027");
  CHECK(twice.found == "0 of ranks 0 and 1");
  const Shared beyond = share({{"a", 0, eight}, {"a", 2, eight}});
  CHECK(beyond.code == "OPT-LOCAL-027");
  CHECK(beyond.found == "2 of rank 1");
}

TEST_CASE("a rank that takes its seat runs there", "[threads]") {
  const std::vector<int> before = allowed_cores();
  for (const bool divide : {true, false}) {
    std::vector<std::vector<int>> cores(2);
    std::vector<Seat> seats;
    dist::ThreadGroup::run(2, [&](dist::World& world) {
      const std::vector<Seat> all = dist::take_seat(world, {2, "", {}}, 1 - world.rank(), divide);
      cores[std::size_t(world.rank())] = allowed_cores();
      if (world.rank() == 0) seats = all;
    });
    CHECK(seats.at(0).local_rank == 1);
    for (std::size_t r = 0; r < 2; ++r) CHECK(cores[r] == (divide ? dist::part_of_cores(before, 1 - r, 2) : before));
  }
}
