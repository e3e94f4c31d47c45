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
  CHECK_THAT(run.data().warnings[0].found(), Contains("50"));
  o.train_split_ratio = 0;
  const data::RunData none = data::load_data(o, byte_builder(), {any_size, {}, 0}, threads);
  CHECK_THROWS_WITH(data::check_split(none.split, true), Catch::Contains("no record is left to train on"));
  CHECK_NOTHROW(data::check_split(none.split, false));
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
