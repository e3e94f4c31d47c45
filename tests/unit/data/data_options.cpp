#include "byte_samples.hpp"
#include "dataset_text.hpp"

#include <catch2/catch.hpp>
#include <vlt/data/data_options.hpp>

using namespace vlt;
using namespace vlt::test;
using Catch::Matchers::Contains;

namespace {

image::Size any_size(const std::string&, bool) { return {2, 2}; }

std::string records(int first, int count) {
  std::string text;
  for (int i = first; i < first + count; ++i) text += record(std::to_string(i), "null", "q") + "\n";
  return text;
}
std::string refusal(const std::vector<std::string>& words, std::size_t files) {
  try {
    data::parse_dataset_samples(words, files);
  } catch (const Error& e) {
    CHECK(e.exit() == ExitCode::usage);
    return e.complaint().found();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("the option dataset_samples is `all` or counts, one for all files or one each") {
  using Counts = std::vector<std::optional<Index>>;
  CHECK(data::parse_dataset_samples({"all"}, 2) == Counts{std::nullopt, std::nullopt});
  CHECK(data::parse_dataset_samples({"5"}, 2) == Counts{5, 5});
  CHECK(data::parse_dataset_samples({"5", "all"}, 2) == Counts{5, std::nullopt});
  for (const char* word : {"0", "-1", "ten", "1.5", "5x", "", " 5", "99999999999999999999"})
    CHECK(refusal({word}, 1) == quoted(word));
  CHECK(refusal({"1", "2"}, 3) == "2 values");
}

TEST_CASE("what the data are when nobody says") {
  const data::DataOptions usual;
  CHECK(usual.dataset_samples == std::vector<std::string>{"all"});
  CHECK((usual.train_split_ratio == 0.9 && usual.seed == 1234));
  const data::RecordLimits limits;
  CHECK((limits.depth == 16 && limits.record_bytes == 16777216 && limits.text_bytes == 8388608));
  CHECK((limits.turns == 1024 && limits.name_bytes == 4095 && limits.id_bytes == 1024));
  CHECK((limits.keys == 1024 && limits.images == 8));
  CHECK(data::Pictures{}.floats_per_image == 0);
  const data::RecordPlace first;
  CHECK((first.file == 0 && first.index == 0 && first.line == 1 && first.column == 1));
  CHECK(data::describe("train.json", {2, 3, 5, 88}, "7", ".image") == "train.json:88:3  $[5].image  (id \"7\")");
  CHECK(data::describe("train.json", first, "") == "train.json:1:1  $[0]");
  using data::RecordForm;
  CHECK(data::name(RecordForm::unknown) == std::string("unknown"));
  CHECK(data::name(RecordForm::conversations) == std::string("conversations"));
  CHECK(data::name(RecordForm::messages) == std::string("messages"));
  CHECK(data::name(RecordForm::alpaca) == std::string("alpaca"));
}

TEST_CASE("records are trained on, evaluated on, bad, too long or not selected: nothing else") {
  const TemporaryFolder folder;
  data::DataOptions o;
  o.data_path = {folder.write("a.json", records(0, 30) + "5\n"), folder.write("b.json", records(100, 20))};
  o.dataset_samples = {"10", "50"};
  o.train_split_ratio = 0.7;
  o.bad = {data::OnBadSample::skip, 0.5, 20};
  Threads threads(2);
  const data::RunData run = data::load_data(o, byte_builder(), {any_size, {}, 0}, threads);
  CHECK(run.split.train.size() == 21);
  CHECK(run.split.eval.size() == 9);
  Index total = run.split.not_selected + Index(run.split.train.size() + run.split.eval.size());
  for (const data::FileAudit& f : run.data().files) total += f.bad + f.too_long;
  CHECK(total == 51);
  REQUIRE(run.data().warnings.size() == 1);
  CHECK(run.data().warnings[0].code() == "DATA-SPLIT-042");
  CHECK(run.data().warnings[0].place() == o.data_path[1]);
  CHECK(run.data().warnings[0].expected() == "at most 20");
  CHECK(run.data().warnings[0].found() == "50");
  CHECK(run.train_order(7).epoch(1) == data::SampleOrder(run.split.train, 7, true).epoch(1));
  CHECK(run.train_order(7).epoch(1) != run.train_order(8).epoch(1));
  data::BatchPlan train = run.train_plan(7, {.sequences = 21}), evaluation = run.eval_plan({.sequences = 9});
  const auto taken = train.records(0, 0), evaluated = evaluation.records(0, 0);
  CHECK(std::vector<Index>(taken.begin(), taken.end()) == run.train_order(7).epoch(0));
  CHECK(std::vector<Index>(evaluated.begin(), evaluated.end()) == run.split.eval);
  o.train_split_ratio = 0;
  const data::RunData none = data::load_data(o, byte_builder(), {any_size, {}, 0}, threads);
  CHECK_THROWS_WITH(data::check_split(none.split, true), Catch::Contains("no record is left to train on"));
  CHECK_NOTHROW(data::check_split(none.split, false));
  try {
    data::check_split({{0}, {}, 0}, false);
    FAIL("accepted");
  } catch (const Error& e) {
    CHECK(e.exit() == ExitCode::usage);
    CHECK(e.complaint().code() == "OPT-DATA-041");
    CHECK_THAT(e.complaint().what(), Contains("no record is left to evaluate"));
    CHECK(e.complaint().found() == "1 training records, 0 for evaluation");
    CHECK_THAT(e.complaint().help(), Contains("lower --data_train_split_ratio"));
  }
  CHECK(none.split.eval.size() == 30);
}

TEST_CASE("the option dataset_concatenate_samples is one count for all files or one each") {
  data::DataOptions o;
  o.data_path = {"a", "b"}, o.limits.images = 5;
  CHECK(data::parse_joined_records(o).records == std::vector<Index>{1, 1});
  CHECK_FALSE(data::parse_joined_records(o).any());
  o.joined_records = {"3", "1"};
  CHECK(data::parse_joined_records(o).records == std::vector<Index>{3, 1});
  CHECK(data::parse_joined_records(o).any());
  CHECK(data::parse_joined_records(o).images == 5);
  for (const char* word : {"all", "0", "x"}) {
    o.joined_records = {word};
    CHECK_THROWS_AS(data::parse_joined_records(o), Error);
  }
}

TEST_CASE("records that train are joined, in their order; others stay what they are") {
  const TemporaryFolder folder;
  data::DataOptions o;
  o.data_path = {folder.write("a.json", records(0, 20))};
  Threads threads(2);
  const auto load = [&] { return data::load_data(o, byte_builder(), {any_size, {}, 0}, threads); };
  const data::RunData alone = load();
  CHECK(alone.samples == alone.split.train);
  o.joined_records = {"4"};
  const data::RunData run = load();
  CHECK(run.split.train == alone.split.train);
  CHECK(run.split.eval == alone.split.eval);
  std::vector<Index> seen;
  for (const Index sample : run.samples) {
    const std::vector<Index> members = run.data().members(sample);
    CHECK(members.size() == (sample == run.samples.back() ? 2 : 4));
    seen.insert(seen.end(), members.begin(), members.end());
  }
  CHECK(seen == run.split.train);
  CHECK(run.train_plan(1, {}).micro_batches() == 5);
  CHECK(run.eval_plan({}).micro_batches() == 2);
}

TEST_CASE("from files to micro-batches", "[threads]") {
  const TemporaryFolder folder;
  const std::string path = folder.write("train.json", records(0, 10));
  const data::SampleBuilder builder = byte_builder();
  const data::Pictures pictures{any_size, [](const std::string&, std::span<float>) {}, 12};
  Index tokens = 0, supervised = 0, sequences = 0;
  // quote: load
  data::DataOptions options;
  options.data_path = {path};
  Threads threads(2);
  const data::RunData run =
      data::load_data(options, builder, pictures, threads);  // throws BadRecords: the first and how many

  const data::BatchPlan plan = run.train_plan(/*seed=*/1234, {.sequences = 4, .epochs = 3});
  data::Loader loader(run.source, plan, {.workers = 2});
  while (loader.more()) {
    const data::MicroBatch& b = loader.next();  // stays valid until the next call
    sequences += Index(b.samples.size()), tokens += b.tokens, supervised += b.supervised;
  }
  // end of quote
  CHECK(sequences == 3 * 9);  // one record evaluates
  CHECK(tokens > 0);
  CHECK(supervised == sequences * 7);
  CHECK(run.eval_plan({.sequences = 4}).micro_batches() == 1);
}
