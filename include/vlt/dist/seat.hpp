#pragma once
#include <unistd.h>

#include <optional>
#include <sstream>
#include <vlt/base/cores.hpp>
#include <vlt/dist/gather_texts.hpp>
#include <vlt/dist/launch.hpp>

namespace vlt::dist {

// Where a rank computes: on which machine, as which of the ranks there, on which of its cores.
struct Seat {
  std::string machine;
  int local_rank = 0;
  std::vector<int> cores;
  bool operator==(const Seat&) const = default;
};

namespace seat {

inline std::string text(const Seat& s) {
  std::string all = s.machine + " " + std::to_string(s.local_rank);
  for (const int c : s.cores) all += " " + std::to_string(c);
  return all;
}
inline Seat parse(const std::string& text) {
  Seat s;
  std::istringstream in(text);
  in >> s.machine >> s.local_rank;
  for (int c = 0; in >> c;) s.cores.push_back(c);
  return s;
}
inline std::string machine() {
  char name[256] = "";
  return ::gethostname(name, sizeof name - 1) == 0 && *name != '\0' ? name : "this-machine";
}
[[noreturn]] inline void refuse(const std::string& what, const std::string& expected, const std::string& found) {
  refuse_option(Complaint("OPT-LOCAL-027", what)
                    .at("--local_rank")
                    .expected(expected)
                    .found(found)
                    .help("leave --local_rank out: the launcher says it"));
}

}  // namespace seat

// A rank's number among those of its machine: `asked`, which must not contradict the launcher, or if that is -1 what
// the launcher says; none if neither does.
inline std::optional<int> local_rank(const Launch& launch, Index asked) {
  if (asked < 0) return launch.local_rank;
  const int stated = launch.local_rank.value_or(launch.processes == 1 ? 0 : int(asked));
  if (stated != asked)
    seat::refuse(
        "the launcher has given this process another rank on its machine",
        std::to_string(stated) + (launch.launcher.empty() ? ", of one process" : ", as " + launch.launcher + " says"),
        std::to_string(asked));
  return int(asked);
}

// The k-th of n equal parts of some cores; all of them, if there are fewer than parts.
inline std::vector<int> part_of_cores(const std::vector<int>& cores, std::size_t k, std::size_t n) {
  if (cores.size() < n) return cores;
  return {cores.begin() + std::ptrdiff_t(cores.size() * k / n),
          cores.begin() + std::ptrdiff_t(cores.size() * (k + 1) / n)};
}

// The seats of all ranks. divide: where several ranks of a machine may run on the same cores, they would get in each
// other's way, and each is given its part of them, by its local rank. `mine`: with what this rank may use so far, and a
// negative local rank if nobody says it. Collective; every rank gets the same.
inline std::vector<Seat> share_machines(World& world, const Seat& mine, bool divide) {
  std::vector<Seat> before, all;
  for (const std::string& text : gather_texts(world, seat::text(mine))) before.push_back(seat::parse(text));
  all = before;
  for (std::size_t r = 0; r < all.size(); ++r) {
    int here = 0, below = 0;
    for (std::size_t o = 0; o < all.size(); ++o)
      if (before[o].machine == before[r].machine) ++here, below += o < r;
    if (before[r].local_rank < 0) all[r].local_rank = below;
    else if (before[r].local_rank >= here)
      seat::refuse("a machine has fewer ranks than this local rank says", "below " + std::to_string(here),
                   std::to_string(before[r].local_rank) + " of rank " + std::to_string(r));
  }
  for (std::size_t r = 0; r < all.size(); ++r) {
    std::size_t rivals = 0, below = 0;
    for (std::size_t o = 0; o < all.size(); ++o) {
      if (all[o].machine != all[r].machine) continue;
      if (o != r && all[o].local_rank == all[r].local_rank)
        seat::refuse("two ranks of a machine have the same local rank", "another for each",
                     std::to_string(all[r].local_rank) + " of ranks " + std::to_string(std::min(o, r)) + " and " +
                         std::to_string(std::max(o, r)));
      if (before[o].cores == before[r].cores) ++rivals, below += all[o].local_rank < all[r].local_rank;
    }
    if (divide) all[r].cores = part_of_cores(before[r].cores, below, rivals);
  }
  return all;
}

// A line for each rank: "rank 0: local rank 0 on node-7, cores 0-3".
inline std::string seats_table(const std::vector<Seat>& all) {
  std::string text;
  for (std::size_t r = 0; r < all.size(); ++r)
    text += "rank " + std::to_string(r) + ": local rank " + std::to_string(all[r].local_rank) + " on " +
            all[r].machine + ", cores " + shown_cores(all[r].cores) + "\n";
  return text;
}

// Gives this process its seat among those of all ranks, which are returned. Where the system does not bind it to its
// cores it still knows how many are its own. Collective.
inline std::vector<Seat> take_seat(World& world, const Launch& launch, Index asked, bool divide) {
  const Seat mine{seat::machine(), local_rank(launch, asked).value_or(-1), allowed_cores()};
  std::vector<Seat> all = share_machines(world, mine, divide);
  if (const Seat& own = all[std::size_t(world.rank())]; own.cores != mine.cores) run_on(own.cores);
  return all;
}

}  // namespace vlt::dist
