#pragma once
#include <algorithm>
#include <set>
#include <vlt/data/micro_batch.hpp>
#include <vlt/data/split.hpp>

namespace vlt::data {

// The records of a run that failed only while their images were decoded, each once, however many epochs meet it. They
// count as bad beside those that the audit found.
class LostRecords {
 public:
  // split: what the records are for; of neither share may all be lost. lost: where their numbers are kept; those that
  // are there were lost before.
  LostRecords(const Dataset& data, const Split& split, const BadSampleRules& rules, std::set<Index>& lost)
      : split_(split), rules_(rules), lost_(lost) {
    for (const FileAudit& f : data.files) records_ += f.records, bad_ += f.bad;
  }

  // Is it new?
  bool add(Index record) { return lost_.insert(record).second; }
  // All bad records, the audit's included.
  Index bad() const { return bad_ + Index(lost_.size()); }

  // Throws BadRecords, with this sample as the one that was too many, if the run must not go on.
  void judge(const LostSample& last) const {
    const bool too_many = double(bad()) > rules_.max_fraction * double(records_);
    const char* gone = all_lost(split_.train)  ? "no record is left to train on"
                       : all_lost(split_.eval) ? "no record is left to evaluate"
                                               : nullptr;
    if (!too_many && !gone) return;
    Complaint c = last.complaint;
    c.note(total() + (rules_.listed_in.empty() ? "" : " (all in " + rules_.listed_in + ")") + ": " +
           (too_many ? "more than --max_bad_fraction allows" : gone) +
           "; the model of the last finished epoch is kept");
    if (c.help().empty()) c.help(too_many ? "mend them, or raise --max_bad_fraction" : "mend them");
    throw BadRecords(c, {c});
  }
  bool any() const { return !lost_.empty(); }
  // What became of all records.
  std::string total() const {
    return std::to_string(bad()) + " of " + std::to_string(records_) + " records have errors, " +
           std::to_string(lost_.size()) + " of them found while decoding";
  }

 private:
  const Split& split_;
  BadSampleRules rules_;
  Index records_ = 0, bad_ = 0;
  std::set<Index>& lost_;

  bool all_lost(const std::vector<Index>& share) const {
    return !share.empty() && lost_.size() >= share.size() &&
           std::all_of(share.begin(), share.end(), [&](Index record) { return lost_.contains(record); });
  }
};

}  // namespace vlt::data
