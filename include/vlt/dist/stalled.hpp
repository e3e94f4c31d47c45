#pragma once
#include <cstdio>
#include <vlt/base/error.hpp>
#include <vlt/dist/standing.hpp>

namespace vlt::dist {

// What is said where a collective has waited for longer than `limit` seconds. here: the ranks whose standing is known.
inline Complaint stalled_ranks(const std::vector<RankStanding>& here, const std::string& what, double limit) {
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "%g s", limit);
  const std::string late = ranks_at_work(here);
  return Complaint("PEER-HANG-001",
                   (late.empty() ? "a rank of another machine" : late) + " kept the others waiting for " + seconds)
      .at(what)
      .expected("all ranks within --comm_timeout_s")
      .found(standings_table(here))
      .help("see what that process does (a debugger, its storage), or raise --comm_timeout_s")
      .note("the job is ended; go on from its last checkpoint with --from_checkpoint auto");
}

}  // namespace vlt::dist
