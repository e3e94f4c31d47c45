#pragma once
#include <set>
#include <vlt/data/micro_batch.hpp>

namespace vlt::data {

// The records of a run that failed only while their images were decoded, each once, however many epochs meet it. They
// count as bad beside those that the audit found.
class LostRecords {
 public:
  // lost: where their numbers are kept; those that are there were lost before.
  LostRecords(const Dataset& data, const BadSampleRules& rules, std::set<Index>& lost) : rules_(rules), lost_(lost) {
    for (const FileAudit& f : data.files) records_ += f.records, bad_ += f.bad;
  }

  // Is it new?
  bool add(Index record) { return lost_.insert(record).second; }
  // All bad records, the audit's included.
  Index bad() const { return bad_ + Index(lost_.size()); }

  // Throws BadRecords, with this sample as the one that was too many, if the run must not go on.
  void judge(const LostSample& last) const {
    if (double(bad()) <= rules_.max_fraction * double(records_)) return;
    Complaint c = last.complaint;
    c.note(std::to_string(bad()) + " of " + std::to_string(records_) + " records have errors, " +
           std::to_string(lost_.size()) + " of them found while decoding" +
           (rules_.listed_in.empty() ? "" : " (all in " + rules_.listed_in + ")") +
           ", more than --max_bad_fraction allows; the model of the last finished epoch is kept");
    if (c.help().empty()) c.help("mend them, or raise --max_bad_fraction");
    throw BadRecords(c, {c});
  }

 private:
  BadSampleRules rules_;
  Index records_ = 0, bad_ = 0;
  std::set<Index>& lost_;
};

}  // namespace vlt::data
