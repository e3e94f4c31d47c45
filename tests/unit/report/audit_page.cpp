#include <catch2/catch.hpp>
#include <vlt/report/audit_page.hpp>

using namespace vlt;

namespace {
data::Dataset audited() {
  data::Dataset data;
  data::FileAudit clean;
  clean.path = "a.json", clean.records = clean.used = 7, clean.images = 5, clean.tokens = 91, clean.supervised = 40;
  data::FileAudit mixed;
  mixed.path = "b.json", mixed.records = 20, mixed.used = 14, mixed.bad = 4, mixed.too_long = 2, mixed.images = 3;
  mixed.tokens = 60, mixed.supervised = 30, mixed.turns_cut = 3, mixed.turns_left_out = 5, mixed.answers_cut = 1;
  clean.form = data::RecordForm::conversations, mixed.form = data::RecordForm::messages;
  mixed.reasons["RECORD-011"] = 1, mixed.reasons["IMAGE-003"] = 3;
  data.files = {clean, mixed};
  return data;
}
}  // namespace

TEST_CASE("the audit tells what became of every record") {
  data::Split split;
  split.train = {0, 1, 2}, split.eval = {3}, split.not_selected = 17;
  CHECK(report::audit_table(audited(), split) ==
        "a.json: 7 records = 7 used + 0 bad + 0 too long; 5 images, 91 tokens, 40 of them supervised\n"
        "b.json: 20 records = 14 used + 4 bad + 2 too long; 3 images, 60 tokens, 30 of them supervised\n"
        "  its records are read as `messages` (docs/data.md)\n"
        "  truncated: 3 records lost whole last turns (5 turns), 1 lost the end of their only answer\n"
        "  bad: 3 IMAGE-003\n"
        "  bad: 1 RECORD-011\n"
        "split: 3 training, 1 evaluation, 17 not selected\n");
}

TEST_CASE("the audit tells how many records were joined") {
  data::Dataset data = audited();
  data.joined = {{0, 1, 2}, {4, 5}};
  CHECK(report::audit_table(data, {}).ends_with("\njoined: 5 of the training records in 2 conversations\n"));
}

TEST_CASE("the report names what was dropped and what was cut") {
  const std::vector<report::ReportAudit> rows = report::audit_rows(audited());
  using Reasons = std::vector<std::pair<std::string, Index>>;
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].file == "a.json");
  CHECK(rows[0].records == 7);
  CHECK((rows[0].dropped.empty() && rows[0].truncated.empty()));
  CHECK(rows[1].records == 20);
  CHECK(rows[1].used == 14);
  CHECK(rows[1].dropped == Reasons{{"IMAGE-003", 3}, {"RECORD-011", 1}, {"too long", 2}});
  CHECK(rows[1].truncated == Reasons{{"whole last turns left out", 3}, {"end of the only answer left out", 1}});
}

TEST_CASE("a bad record is one line of JSON") {
  data::RecordFault fault;
  fault.place.file = 1, fault.place.index = 8, fault.count = 2, fault.id = "x\"7";
  fault.complaint = Complaint("RECORD-011", "no answer").at("$[8].conversations");
  CHECK(report::skipped_line(fault) == R"({"file": 1, "index": 8, "count": 2, "id": "x\"7", "code": "RECORD-011", )"
                                       R"("path": "$[8].conversations", "reason": "no answer"})");
}
