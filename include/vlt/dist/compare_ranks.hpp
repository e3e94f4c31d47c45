#pragma once
#include <sstream>
#include <string>
#include <vector>
#include <vlt/dist/gather_texts.hpp>
#include <vlt/options/compiled_in.hpp>

namespace vlt::dist {

// Something that must be the same on every rank: an option, the build, the data.
struct RankFact {
  std::string name, value;
};

// Refuses a run whose ranks were started differently: their collectives would not meet, or mean different things.
// Collective; every rank gives the same names in the same order.
inline void compare_ranks(World& world, const std::vector<RankFact>& facts) {
  std::string mine;
  for (const RankFact& f : facts) mine += f.value + '\0';
  const std::vector<std::string> texts = gather_texts(world, mine);
  for (std::size_t r = 1; r < texts.size(); ++r) {
    if (texts[r] == texts[0]) continue;
    std::istringstream first(texts[0]), other(texts[r]);
    for (const RankFact& f : facts) {
      std::string expected, found;
      std::getline(first, expected, '\0'), std::getline(other, found, '\0');
      if (found != expected)
        refuse_option(Complaint("OPT-RANKS-022", "the ranks of this run were started differently")
                          .at(f.name)
                          .expected(quoted(expected) + ", as on rank 0")
                          .found(quoted(found) + " on rank " + std::to_string(r))
                          .help("give every rank the same command line, program and files"));
    }
  }
}

}  // namespace vlt::dist
