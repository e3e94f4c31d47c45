#include "byte_samples.hpp"
#include "dataset_text.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <vlt/data/audit.hpp>

using namespace vlt;
using namespace vlt::test;
using Catch::Matchers::Contains;

namespace {

constexpr image::Size any_size{6, 9};
image::Size accept_all(const std::string&, bool) { return any_size; }
image::Size refuse_missing(const std::string& name, bool) {
  if (name.starts_with("missing")) blame_data.raise(Complaint("PATH-001", "image file is missing").at("folder"));
  return any_size;
}

struct Audited {
  data::Dataset data;
  std::vector<std::string> told;  // place and code of every bad record, in the order told
  std::vector<Complaint> printed;
  Complaint end;
};

Audited audit(const std::vector<std::string>& files, data::BadSampleRules rules, int threads = 1,
              const data::LengthRules& lengths = {64, 4}, data::ImageCheck check = refuse_missing) {
  Audited out;
  Threads team(threads);
  data::Audit audit({}, rules, byte_builder(lengths), std::move(check), team, [&](const data::RecordFault& f) {
    out.told.push_back(f.complaint.code() + " x" + std::to_string(f.count) + " " + f.id);
  });
  try {
    out.data = audit(files);
  } catch (const data::BadRecords& e) { out.printed = e.faults(), out.end = e.complaint(); } catch (const Error& e) {
    out.end = e.complaint();
  }
  return out;
}
constexpr data::BadSampleRules skip_all{data::OnBadSample::skip, 1.0, 20};

}  // namespace

TEST_CASE("every record is accounted for") {
  const TemporaryFolder folder;
  const std::string text = "[" + record("a") + ", 5, 6," + record("b", "\"missing.png\"") + "," +
                           record("c", "null", std::string(50, 'q')) + ", {\"id\": 1}," +
                           record("d", "null", "q", std::string(90, 'x')) + "," +
                           record("e", "null", std::string(70, 'q')) + "," + record("f") + "]";
  const auto out = audit({folder.write("x.json", text)}, skip_all);
  REQUIRE(out.end.code() == "");
  const data::FileAudit& f = out.data.files.at(0);
  CHECK(f.records == 9);
  CHECK(f.used == 4);  // a, c, d (its answer cut), f
  CHECK(f.bad == 5);   // 5, 6, b, {"id": 1}, e
  CHECK(f.records == f.used + f.bad + f.too_long);
  CHECK(f.answers_cut == 1);
  CHECK(f.images == 2);
  CHECK(f.reasons == std::map<std::string, Index>{
                         {"DATA-LENGTH-040", 1}, {"DATA-PATH-001", 1}, {"DATA-RECORD-023", 2}, {"DATA-RECORD-030", 1}});
  CHECK(out.told == std::vector<std::string>{"DATA-RECORD-023 x2 ", "DATA-PATH-001 x1 b", "DATA-RECORD-030 x1 1",
                                             "DATA-LENGTH-040 x1 e"});
  REQUIRE(out.data.size() == 4);
  CHECK(out.data.sizes[0].tokens == 1 + 4 + 13 + 1 + 6 + 1);
  CHECK(out.data.sizes[0].supervised == 7);
  CHECK(f.tokens ==
        out.data.sizes[0].tokens + out.data.sizes[1].tokens + out.data.sizes[2].tokens + out.data.sizes[3].tokens);
}

TEST_CASE("one bad image makes a record bad, whatever the others are") {
  const TemporaryFolder folder;
  for (const char* images : {R"(["missing", "a"])", R"(["a", "missing"])", R"(["a", "missing", "b"])"}) {
    const auto out = audit({folder.write("x.json", "[" + record("1", images, "q") + "]")}, {});
    CHECK(out.end.code() == "DATA-PATH-001");
  }
}

TEST_CASE("what was cut is counted") {
  const TemporaryFolder folder;
  const std::string turn = R"({"from": "human", "value": "<image>q"}, {"from": "gpt", "value": "a"})";
  const std::string three =
      R"([{"id": 1, "image": ["x", "y", "z"], "conversations": [)" + turn + ", " + turn + ", " + turn;
  // <s>, then 4 + 2 + 2 tokens and a separator for each turn but the last.
  const std::string path = folder.write("x.json", three + "]}]");
  const auto f = [&](Index limit) { return audit({path}, {}, 1, {limit, 4}).data.files.at(0); };
  CHECK(f(27).turns_cut == 0);
  CHECK(f(26).turns_cut == 1);
  CHECK(f(26).turns_left_out == 1);
  CHECK(f(26).images == 2);
  CHECK(f(17).turns_left_out == 2);
  CHECK(f(17).answers_cut == 0);
  CHECK(f(8).answers_cut == 1);
  CHECK(f(8).tokens == 8);
}

TEST_CASE("verdicts do not depend on the number of threads", "[threads]") {
  const TemporaryFolder folder;
  std::string text = "[";
  for (int i = 0; i < 1500; ++i)
    text += (i ? "," : "") + record(std::to_string(i), i % 7 ? "\"a.png\"" : "\"missing.png\"",
                                    "<image>" + std::string(std::size_t(i % 60), 'q'));
  const std::string path = folder.write("x.json", text + "]");
  const auto one = audit({path}, skip_all, 1), many = audit({path}, skip_all, 5);
  CHECK(one.told == many.told);
  CHECK(one.told.size() == std::size_t(one.data.files[0].bad));
  REQUIRE(one.data.size() == many.data.size());
  for (std::size_t i = 0; i < one.data.records.size(); ++i) CHECK(one.data.records[i].id == many.data.records[i].id);
}

TEST_CASE("bad records end the run or are left out, as asked") {
  const TemporaryFolder folder;
  std::string text = "[";
  for (int i = 0; i < 100; ++i)
    text += (i ? ",\n" : "") + record(std::to_string(i), i < 30 ? "\"missing\"" : "null", "q");
  const std::string path = folder.write("x.json", text + "]");
  SECTION("fail: one of each kind and the total") {
    const auto out = audit({path}, {});
    CHECK(out.printed.size() == 1);
    CHECK(out.end.note() == "29 more records have this fault; 30 of 100 records have errors; nothing was trained");
    CHECK(out.told.size() == 30);
    CHECK_THAT(audit({path}, {data::OnBadSample::fail, 0, 20, "out/skipped.jsonl"}).end.note(),
               Contains("30 of 100 records have errors (all in out/skipped.jsonl); nothing was trained"));
    CHECK_THAT(out.end.place(), Contains("x.json:1:2") && Contains("$[0].image") && Contains("(id \"0\")"));
  }
  SECTION("fail: the first twenty kinds, in the order of the file") {
    std::string kinds;
    for (int i = 0; i < 52; ++i) {
      const std::string key = "\"k" + std::to_string(i / 2) + "\": 1";
      kinds += (i ? ",\n{" : "{") + key + ", " + key + "}";
    }
    const auto out = audit({folder.write("kinds.json", "[" + kinds + "]")}, {});
    CHECK(out.printed.size() == 20);
    CHECK(out.end.note() ==
          "1 more record has this fault; 52 of 52 records have errors (12 more are not shown); nothing was trained");
    CHECK_THAT(out.printed[19].place(), Contains("kinds.json:39:"));
    CHECK(out.printed[19].note() == "1 more record has this fault");
  }
  SECTION("neighbours that share a fault count as many") {
    const std::string some = "[1, 2, " + record("a", "null", "q") + ", 3, 4, 5]";
    CHECK_THAT(audit({folder.write("runs.json", some)}, {}).end.note(),
               Catch::StartsWith("4 more records have this fault; 5 of 6 records have errors"));
  }
  SECTION("skip: up to a share") {
    CHECK(audit({path}, {data::OnBadSample::skip, 0.3, 20}).data.size() == 70);
    const auto out = audit({path}, {data::OnBadSample::skip, 0.29, 20});
    CHECK_THAT(out.end.note(), Contains("--max_bad_fraction"));
  }
  SECTION("nothing left") {
    const auto all_bad = audit({folder.write("y.json", "[1, 2]")}, skip_all);
    CHECK_THAT(all_bad.end.note(), Contains("no record is left"));
    const auto all_long = audit({path}, skip_all, 1, {5, 1, data::Truncation::drop_sample}, accept_all);
    CHECK(all_long.end.code() == "DATA-AUDIT-002");
  }
}

TEST_CASE("samples that are too long are left out without being bad") {
  const TemporaryFolder folder;
  const std::string path =
      folder.write("x.json", "[" + record("a", "null", "q") + "," + record("b", "null", std::string(50, 'q')) + "]");
  const auto out = audit({path}, {}, 1, {20, 1, data::Truncation::drop_sample});
  REQUIRE(out.end.code() == "");
  CHECK(out.data.files[0].used == 1);
  CHECK(out.data.files[0].too_long == 1);
  CHECK(audit({path}, {}, 1, {20, 1, data::Truncation::error}).end.code() == "DATA-LENGTH-041");
}

TEST_CASE("several files; ids that repeat within one are a warning") {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder.path + "/b");
  const std::string a = folder.write("x.json", "[" + record("1") + ",\n" + record("1") + ",\n" + record("2") + "]"),
                    b = folder.write("b/x.json", record("1") + "\n" + record("3"));
  const auto out = audit({a, b}, {});
  REQUIRE(out.data.files.size() == 2);
  CHECK(out.data.files[0].path == a);
  CHECK(out.data.files[1].path == b);
  CHECK(out.data.used() == std::vector<Index>{3, 2});
  CHECK(out.data.records[3].place.file == 1);
  REQUIRE(out.data.warnings.size() == 1);
  CHECK_THAT(out.data.warnings[0].what(), Contains("1 record"));
  CHECK_THAT(out.data.warnings[0].place(), Contains("x.json:1:2"));
  CHECK_THAT(out.data.warnings[0].found(), Contains("x.json:2:1"));
  CHECK(audit({folder.path + "/nothing.json"}, {}).end.code() == "DATA-PATH-001");
}

TEST_CASE("an image is looked at once, however many records name it") {
  const TemporaryFolder folder;
  std::string text = "[";
  for (int i = 0; i < 900; ++i)
    text += (i ? "," : "") + record(std::to_string(i), "\"" + std::to_string(i % 10) + ".png\"");
  std::atomic<int> looks{0};
  const auto out = audit({folder.write("x.json", text + "]")}, {}, 3, {64, 4},
                         [&](const std::string&, bool) { return ++looks, any_size; });
  CHECK(out.data.size() == 900);
  CHECK(looks == 10);
}

TEST_CASE("a fault that is not the record's ends the audit") {
  const TemporaryFolder folder;
  const std::string path = folder.write("x.json", "[" + record("1") + "]");
  const auto out = audit({path}, skip_all, 2, {64, 4}, [](const std::string&, bool) -> image::Size {
    throw Error(ExitCode::usage, Complaint("OPT-X", "no folder"));
  });
  CHECK(out.end.code() == "OPT-X");
}
