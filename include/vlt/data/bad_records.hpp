#pragma once
#include <functional>
#include <map>
#include <utility>
#include <vector>
#include <vlt/data/record.hpp>

namespace vlt::data {

enum class OnBadSample : std::uint8_t { fail, skip };

// What happens to records that cannot be used.
struct BadSampleRules {
  OnBadSample policy = OnBadSample::fail;
  double max_fraction = 0.01;  // under `skip`: more than this share ends the run
  std::size_t shown = 20;      // how many kinds of fault are kept for printing
  std::string listed_in = {};  // the file in which all of them are; empty: there is none
};

// A run that ends on account of its records. As an Error it is the first fault; `faults()` are the first ones.
class BadRecords : public Error {
 public:
  BadRecords(Complaint summary, std::vector<Complaint> faults)
      : Error(ExitCode::data, std::move(summary)), faults_(std::move(faults)) {}
  const std::vector<Complaint>& faults() const { return faults_; }

 private:
  std::vector<Complaint> faults_;
};

// Counts bad records, keeps the first, tells each to whoever writes them down, and says when there are too many.
class FaultLedger {
 public:
  using Listener = std::function<void(const RecordFault&)>;
  explicit FaultLedger(const BadSampleRules& rules, Listener listener = {})
      : rules_(rules), listener_(std::move(listener)) {}

  void add(const RecordFault& fault) {
    count_ += fault.count;
    reasons_[fault.complaint.code()] += fault.count;
    if (Shown* alike = find(fault.complaint)) alike->more += fault.count;
    else if (shown_.size() < rules_.shown) shown_.push_back({fault.complaint, fault.count - 1});
    else not_shown_ += fault.count;
    if (listener_) listener_(fault);
  }
  Index count() const { return count_; }
  // Is such a fault, the first of its kind, going to be printed?
  bool will_show(const Complaint& c) { return shown_.size() < rules_.shown && !find(c); }
  const BadSampleRules& rules() const { return rules_; }
  const std::map<std::string, Index>& reasons() const { return reasons_; }  // how often each code

  // Throws BadRecords if the run must not go on with `records` records, of which `usable` can be used.
  void judge(Index records, Index usable) const {
    if (count_ == 0 && usable > 0) return;
    const std::string share =
        std::to_string(count_) + " of " + std::to_string(records) + " records have errors" + whereabouts();
    if (count_ > 0 && rules_.policy == OnBadSample::fail)
      end(share + "; nothing was trained", "mend them, or leave them out with --on_bad_sample skip");
    if (double(count_) > rules_.max_fraction * double(records))
      end(share + ", more than --max_bad_fraction allows; nothing was trained",
          "mend them, or raise --max_bad_fraction");
    if (usable > 0) return;
    if (count_ > 0) end(share + ": no record is left", "mend them");
    throw Error(ExitCode::data, Complaint("DATA-AUDIT-002", "no record is left")
                                    .expected("at least one record that can be used")
                                    .found("0 of " + std::to_string(records))
                                    .help("raise --max_seq_len or change --truncation"));
  }

 private:
  // The first fault of a kind, and how many records after it have another.
  struct Shown {
    Complaint first;
    Index more;
  };
  BadSampleRules rules_;
  Listener listener_;
  Index count_ = 0, not_shown_ = 0;  // of records
  std::vector<Shown> shown_;
  std::map<std::string, Index> reasons_;

  Shown* find(const Complaint& c) {
    for (Shown& s : shown_)
      if (s.first.code() == c.code() && s.first.what() == c.what()) return &s;
    return nullptr;
  }

  // Where the faults are that are not printed.
  std::string whereabouts() const {
    if (!rules_.listed_in.empty()) return " (all in " + rules_.listed_in + ")";
    return not_shown_ == 0 ? "" : " (" + std::to_string(not_shown_) + " more are not shown)";
  }
  [[noreturn]] void end(const std::string& note, const char* help) const {
    std::vector<Complaint> faults;
    for (const Shown& s : shown_) {
      faults.push_back(s.first);
      if (s.more > 0)
        faults.back().note(std::to_string(s.more) + (s.more == 1 ? " more record has" : " more records have") +
                           " this fault");
    }
    Complaint summary = faults.empty() ? Complaint("DATA-AUDIT-001", "bad records") : faults.front();
    summary.note(summary.note().empty() ? note : summary.note() + "; " + note);
    if (summary.help().empty()) summary.help(help);
    throw BadRecords(std::move(summary), std::move(faults));
  }
};

}  // namespace vlt::data
