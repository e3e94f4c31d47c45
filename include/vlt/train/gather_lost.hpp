#pragma once
#include <vlt/data/micro_batch.hpp>
#include <vlt/dist/gather_texts.hpp>
#include <vlt/io/json.hpp>
#include <vlt/io/json_line.hpp>

namespace vlt {

// The samples that all ranks have lost, on every rank, in the order of ranks. Collective.
inline std::vector<data::LostSample> gather_lost(dist::World& world, const std::vector<data::LostSample>& mine) {
  const auto line = [](const data::LostSample& l) {
    const Complaint& c = l.complaint;
    JsonLine out;
    out.add("record", l.record).add("code", c.code()).add("what", c.what()).add("place", c.place());
    return out.add("expected", c.expected()).add("found", c.found()).add("help", c.help()).add("note", c.note()).text();
  };
  std::vector<data::LostSample> all;
  for (const std::string& text : dist::gather_texts(world, json_list(mine, line))) {
    const boost::json::value list = parse_json(text, "lost samples");
    for (std::size_t i = 0; i < list.as_array().size(); ++i) {
      const Json l = Json(list, "lost samples")[i];
      const auto said = [&](const char* key) { return l.at(key).string(); };
      all.push_back({Index(l.at("record").integer()), Complaint(said("code"), said("what"))
                                                          .at(said("place"))
                                                          .expected(said("expected"))
                                                          .found(said("found"))
                                                          .help(said("help"))
                                                          .note(said("note"))});
    }
  }
  return all;
}

}  // namespace vlt
