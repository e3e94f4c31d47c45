#pragma once
#include <functional>
#include <vlt/dist/gather_texts.hpp>
#include <vlt/options/option_table.hpp>
#include <vlt/train/checkpoint_manifest.hpp>

namespace vlt {

// Facts that not every rank finds out for itself: `find` is called where `asks`, on one rank of each machine say, and
// all ranks get what was found. OPT-RANKS-022 if machines found different things. Collective.
inline std::vector<RunFact> agreed_facts(dist::World& world, bool asks,
                                         const std::function<std::vector<RunFact>()>& find) {
  const auto line = [](const RunFact& f) { return manifest::line(f); };
  const std::vector<std::string> texts = dist::gather_texts(world, asks ? json_list(find(), line) : std::string());
  std::optional<std::vector<RunFact>> first;
  std::string of;
  for (std::size_t r = 0; r < texts.size(); ++r) {
    if (texts[r].empty()) continue;
    const std::string rank = "rank " + std::to_string(r);
    const boost::json::value list = parse_json(texts[r], "facts of " + rank);
    const auto theirs = manifest::list<RunFact>(Json(list, "facts of " + rank), manifest::fact);
    if (!first) first = theirs, of = rank;
    const std::vector<FactChange> differences = changes(*first, theirs);
    if (!differences.empty())
      refuse_option(Complaint("OPT-RANKS-022", "the machines of this run hold different files")
                        .at(differences[0].kind + ": " + differences[0].name)
                        .expected(differences[0].before + ", as on " + of)
                        .found(differences[0].now + " on " + rank)
                        .help("give every machine the same files"));
  }
  return first.value_or(std::vector<RunFact>{});
}

}  // namespace vlt
