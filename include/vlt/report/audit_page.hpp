#pragma once
#include <cstdio>
#include <vlt/data/audit.hpp>
#include <vlt/data/split.hpp>
#include <vlt/io/json_line.hpp>
#include <vlt/report/report_data.hpp>

namespace vlt::report {

// What became of every record, for the terminal: one paragraph for each file, then the split.
inline std::string audit_table(const data::Dataset& data, const data::Split& split) {
  std::string text;
  const auto count = [](Index n, const char* what) { return std::to_string(n) + " " + what; };
  for (const data::FileAudit& f : data.files) {
    text += f.path + ": " + count(f.records, "records = ") + count(f.used, "used + ") + count(f.bad, "bad + ") +
            count(f.too_long, "too long") + "; " + count(f.images, "images, ") + count(f.tokens, "tokens, ") +
            count(f.supervised, "of them supervised") + "\n";
    if (f.form == data::RecordForm::messages || f.form == data::RecordForm::alpaca)
      text += std::string("  its records are read as `") + name(f.form) + "` (docs/data.md)\n";
    if (f.turns_cut + f.answers_cut > 0)
      text += "  truncated: " + count(f.turns_cut, "records lost whole last turns (") +
              count(f.turns_left_out, "turns), ") + count(f.answers_cut, "lost the end of their only answer") + "\n";
    for (const auto& [code, n] : f.reasons) text += "  bad: " + count(n, code.c_str()) + "\n";
  }
  text += "split: " + count(Index(split.train.size()), "training, ") + count(Index(split.eval.size()), "evaluation, ") +
          count(split.not_selected, "not selected\n");
  Index records = 0;
  for (const std::vector<Index>& members : data.joined) records += Index(members.size());
  if (records == 0) return text;
  return text + "joined: " + count(records, "of the training records in ") +
         count(Index(data.joined.size()), "conversations\n");
}

// The same for the report.
inline std::vector<ReportAudit> audit_rows(const data::Dataset& data) {
  std::vector<ReportAudit> rows;
  for (const data::FileAudit& f : data.files) {
    ReportAudit row{f.path, f.records, f.used, {}, {}};
    for (const auto& [code, n] : f.reasons) row.dropped.emplace_back(code, n);
    if (f.too_long > 0) row.dropped.emplace_back("too long", f.too_long);
    if (f.turns_cut > 0) row.truncated.emplace_back("whole last turns left out", f.turns_cut);
    if (f.answers_cut > 0) row.truncated.emplace_back("end of the only answer left out", f.answers_cut);
    rows.push_back(row);
  }
  return rows;
}

// A line of skipped.jsonl.
inline std::string skipped_line(const data::RecordFault& f) {
  JsonLine line;
  line.add("file", Index(f.place.file)).add("index", f.place.index).add("count", f.count).add("id", f.id);
  line.add("code", f.complaint.code()).add("path", f.complaint.place()).add("reason", f.complaint.what());
  return line.text();
}

}  // namespace vlt::report
