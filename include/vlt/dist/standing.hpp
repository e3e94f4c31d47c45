#pragma once
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>
#include <vlt/base/config.hpp>

namespace vlt::dist {

// What a rank is busy with.
enum class RankPhase : std::uint8_t {
  starting,
  reading_data,
  reading_weights,
  loading,
  forward,
  backward,
  gathering,
  reducing,
  updating,
  saving,
  exporting,
  reporting
};

inline const char* name(RankPhase p) {
  static constexpr std::array names{"starting",  "reading data", "reading weights", "loading",
                                    "forward",   "backward",     "gather weights",  "reduce",
                                    "optimiser", "saving",       "exporting",       "report"};
  return names[std::size_t(p)];
}

// Where a rank stands: in which step, doing what, since when. The rank itself writes it, and whoever shares its memory
// reads it, at any time: a rank that hangs cannot be asked.
class Standing {
 public:
  static_assert(std::atomic<Index>::is_always_lock_free && std::atomic<RankPhase>::is_always_lock_free,
                "ranks that are processes share these");

  void begin(Index step) { step_ = step; }
  void begin(RankPhase phase) { phase_ = phase, since_ = now(); }
  // The rank waits for others, and not others for it.
  void wait(bool waits) { waits_ = waits; }

  Index step() const { return step_; }
  RankPhase phase() const { return phase_; }
  double seconds() const { return double(now() - since_) * 1e-9; }
  bool waits() const { return waits_; }

 private:
  std::atomic<Index> step_{0}, since_{now()};
  std::atomic<RankPhase> phase_{RankPhase::starting};
  std::atomic<bool> waits_{false};

  // One clock for all processes of a machine.
  static Index now() {
    return Index(std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count());
  }
};

// A standing with its rank's number.
struct RankStanding {
  int rank = 0;
  const Standing* standing = nullptr;
};

// Those that nobody waits for in vain: "rank 2", "ranks 1, 2"; empty if all wait.
inline std::string ranks_at_work(const std::vector<RankStanding>& all) {
  std::string list;
  int count = 0;
  for (const RankStanding& r : all)
    if (!r.standing->waits()) list += (count++ ? ", " : "") + std::to_string(r.rank);
  return count == 0 ? "" : (count == 1 ? "rank " : "ranks ") + list;
}

// For people:
//   rank  step  phase            seconds
//   0     1200  reduce                 5  waits
//   2     1199  loading                6
inline std::string standings_table(const std::vector<RankStanding>& all) {
  std::string text = "rank  step  phase            seconds";
  for (const RankStanding& r : all) {
    char row[96];
    const Standing& s = *r.standing;
    std::snprintf(row, sizeof row, "\n%-5d %-5lld %-15s %8.0f%s", r.rank, static_cast<long long>(s.step()),
                  name(s.phase()), s.seconds(), s.waits() ? "  waits" : "");
    text += row;
  }
  return text;
}

}  // namespace vlt::dist
