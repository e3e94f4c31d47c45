#include <catch2/catch.hpp>
#include <vlt/data/lost_records.hpp>

using namespace vlt;
using Catch::Matchers::Contains;

namespace {

data::LostSample sample(Index record) { return {record, Complaint("DATA-IMAGE-015", "it is cut off").at("a.jpg")}; }

// Ten records in two files, one of them bad.
data::Dataset ten_records() {
  data::Dataset d;
  d.files.resize(2);
  d.files[0].records = 4, d.files[0].used = 3, d.files[0].bad = 1;
  d.files[1].records = 6, d.files[1].used = 6;
  return d;
}
// Of the nine that the audit found good, seven train.
data::Split nine_used() { return {{0, 1, 2, 3, 4, 5, 6}, {7, 8}, 0}; }
// What the run ends with when these records are lost one after another; the place says after how many.
Complaint end(const std::vector<Index>& lost, data::BadSampleRules rules) {
  const data::Dataset data = ten_records();
  std::set<Index> numbers;
  const data::Split split = nine_used();
  data::LostRecords all(data, split, rules, numbers);
  for (std::size_t i = 0; i < lost.size(); ++i) {
    if (!all.add(lost[i])) continue;
    try {
      all.judge(sample(lost[i]));
    } catch (const data::BadRecords& e) {
      CHECK(e.exit() == ExitCode::data);
      Complaint c = e.complaint();
      c.at(std::to_string(i + 1));
      return c;
    }
  }
  return {};
}

}  // namespace

TEST_CASE("records lost while decoding and those of the audit end a run together") {
  CHECK(end({3, 5}, {data::OnBadSample::skip, 0.3, 20}).code().empty());
  const Complaint c = end({3, 5, 7, 8}, {data::OnBadSample::skip, 0.3, 20, "out/skipped.jsonl"});
  CHECK(c.code() == "DATA-IMAGE-015");
  CHECK(c.place() == "3");
  CHECK(c.help() == "mend them, or raise --max_bad_fraction");
  CHECK_THAT(c.note(),
             Contains("4 of 10 records have errors, 3 of them found while decoding (all in out/skipped.jsonl)") &&
                 Contains("--max_bad_fraction"));
  CHECK(end({3}, {data::OnBadSample::skip, 0.19, 20}).place() == "1");
}

TEST_CASE("a run ends when all that train or all that evaluate are lost, whatever share may be bad") {
  const data::BadSampleRules any{data::OnBadSample::skip, 1, 20};
  CHECK(end({0, 1, 2, 3, 4, 5, 7}, any).code().empty());
  const Complaint training = end({6, 5, 4, 7, 3, 2, 1, 0}, any), evaluation = end({8, 0, 7}, any);
  CHECK(training.place() == "8");
  CHECK(training.help() == "mend them");
  CHECK_THAT(training.note(), Contains("9 of 10 records have errors, 8 of them") && Contains("left to train on"));
  CHECK(evaluation.place() == "3");
  CHECK_THAT(evaluation.note(), Contains("no record is left to evaluate"));
}

TEST_CASE("a record that every epoch loses counts once") {
  CHECK(end({3, 5, 3, 5, 3, 5}, {data::OnBadSample::skip, 0.3, 20}).code().empty());
  CHECK(end({3, 3, 5, 5, 7}, {data::OnBadSample::skip, 0.3, 20}).place() == "5");
}

TEST_CASE("records that were lost before a run was taken up again count on") {
  const data::Dataset data = ten_records();
  std::set<Index> numbers{3, 5};
  const data::Split split = nine_used();
  data::LostRecords all(data, split, {data::OnBadSample::skip, 0.35, 20}, numbers);
  CHECK(all.bad() == 3);
  CHECK_FALSE(all.add(5));
  CHECK_NOTHROW(all.judge(sample(5)));
  CHECK(all.add(7));
  CHECK_THROWS_AS(all.judge(sample(7)), data::BadRecords);
  CHECK(numbers == std::set<Index>{3, 5, 7});
  CHECK(all.any());
  CHECK(all.total() == "4 of 10 records have errors, 3 of them found while decoding");
  std::set<Index> none;
  CHECK_FALSE(data::LostRecords(data, split, {}, none).any());
  data::LostSample helped = sample(7);
  helped.complaint.help("copy it again");
  try {
    all.judge(helped);
    FAIL("the run went on");
  } catch (const data::BadRecords& e) { CHECK(e.complaint().help() == "copy it again"); }
}
