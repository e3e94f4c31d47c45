// Records that follow each other become one conversation, as far as that fits into a sequence.
#include "byte_samples.hpp"

#include <catch2/catch.hpp>
#include <numeric>
#include <vlt/data/sample_grouping.hpp>

using namespace vlt;
using namespace vlt::test;
using Groups = std::vector<std::vector<Index>>;

namespace {

// Records "0>0000</s>", "1>0000</s>", ... of eight tokens each, with <s> in front; those of `pictured` have an image of
// four tokens without a mark. In turn of two files.
data::Dataset dataset(const data::SampleBuilder& builder, Index records, const std::set<Index>& pictured = {}) {
  data::Dataset d;
  d.files.resize(2);
  text::Encoder encoder(builder.tokenizer());
  for (Index i = 0; i < records; ++i) {
    std::vector<std::string> images;
    if (pictured.contains(i)) images.push_back("picture " + std::to_string(i));
    data::Record r = talk({{std::to_string(i % 10), "0000"}}, images);
    r.id = std::to_string(i), r.place.file = std::uint32_t(i % 2), r.place.index = i;
    d.sizes.push_back(size_of(builder.prepare(r, encoder)));
    d.records.push_back(std::move(r));
  }
  return d;
}
// The records of what becomes of them all.
Groups groups(data::Dataset& d, const data::SampleBuilder& builder, data::JoinRules rules, int threads = 1) {
  std::vector<Index> all(d.records.size());
  std::iota(all.begin(), all.end(), Index(0));
  Threads team(threads);
  Groups out;
  for (const Index s : data::SampleGrouping(d, builder, std::move(rules), team)(all)) out.push_back(d.members(s));
  return out;
}
std::string text_of(const data::SampleBuilder& builder, const data::Record& r) {
  text::Encoder encoder(builder.tokenizer());
  return builder.prepare(r, encoder).rendered.text;
}

}  // namespace

TEST_CASE("so many records of a file make one conversation, the remainder a shorter one") {
  const data::SampleBuilder builder = byte_builder({64, 4});
  data::Dataset d = dataset(builder, 10);
  CHECK(groups(d, builder, {{2, 3}, 8}) == Groups{{0, 2}, {1, 3, 5}, {4, 6}, {7, 9}, {8}});
  CHECK(d.joined.size() == 4);
  REQUIRE(d.sizes.size() == 14);
  for (std::size_t j = 0; j < 4; ++j) {  // one <s>, a separator between turns
    const auto members = std::int32_t(d.joined[j].size());
    CHECK(d.sizes[10 + j].tokens == 1 + 7 * members + members - 1);
    CHECK(d.sizes[10 + j].supervised == 5 * members);
  }
  data::Dataset alone = dataset(builder, 10);
  CHECK(groups(alone, builder, {{1, 1}, 8}).size() == 10);
  CHECK(alone.joined.empty());
}

TEST_CASE("a conversation of several records has one beginning, their turns, and each record's pictures at its turns") {
  const data::SampleBuilder builder = byte_builder({64, 4});
  data::Dataset d = dataset(builder, 6, {0, 4});
  d.records[2].conversation.turns[0].question = "<image>2";
  d.records[2].images = {"marked"}, d.records[2].conversation.images = 1;
  d.records[0].conversation.turns[0].question = "\n0";  // without a mark every byte stays
  groups(d, builder, {{3, 1}, 8});
  REQUIRE(d.joined == Groups{{0, 2, 4}});
  const data::Record r = d.record_of(6);
  CHECK(r.id == "0 + 2 + 4");
  CHECK(r.images == std::vector<std::string>{"picture 0", "marked", "picture 4"});
  CHECK(text_of(builder, r) == "<image>\n0>0000</s>|<image>2>0000</s>|<image>4>0000</s>");
  CHECK(d.sizes[6].images == 3);
  CHECK(d.sizes[6].tokens == 1 + 3 * (4 + 7) + 1 + 2);
  const std::vector<Index> left{2, 4};
  CHECK(text_of(builder, d.record_of(6, left)) == "<image>2>0000</s>|<image>4>0000</s>");
}

TEST_CASE("the first record's system text is the conversation's, also when that record is lost") {
  data::ChatTemplate t = short_template();
  t.system = "[{system}]";
  const data::SampleBuilder builder(byte_tokenizer(), t, {64, 4});
  data::Dataset d = dataset(builder, 4);
  for (const std::size_t i : {0, 2}) {
    d.records[i].conversation.has_system = true;
    d.records[i].conversation.system = "s" + std::to_string(i);
  }
  groups(d, builder, {{2, 2}, 8});
  CHECK(text_of(builder, d.record_of(4)) == "[s0]0>0000</s>|2>0000</s>");
  const std::vector<Index> left{2};
  CHECK(text_of(builder, d.record_of(4, left)) == "[s0]2>0000</s>");
  CHECK(text_of(builder, d.record_of(5)) == "1>0000</s>|3>0000</s>");
}

TEST_CASE("a conversation ends before it is cut or has too many pictures, and the next begins there") {
  // three records have 24 tokens, two have 16
  for (const data::Truncation truncation :
       {data::Truncation::drop_turns, data::Truncation::drop_sample, data::Truncation::error}) {
    const data::SampleBuilder builder = byte_builder({20, 4, truncation}), exact = byte_builder({24, 4, truncation});
    data::Dataset d = dataset(builder, 9), e = dataset(exact, 9);
    CHECK(groups(d, builder, {{3, 1}, 8}) == Groups{{0, 2}, {1}, {3}, {4, 6}, {5}, {7}, {8}});
    CHECK(groups(e, exact, {{3, 1}, 8}) == Groups{{0, 2, 4}, {1}, {3}, {5}, {6, 8}, {7}});
  }
  const data::SampleBuilder builder = byte_builder({64, 4});
  data::Dataset d = dataset(builder, 12, {2, 4, 6, 8, 10});
  CHECK(groups(d, builder, {{4, 6}, 2}) == Groups{{0, 2, 4}, {1, 3, 5, 7, 9, 11}, {6, 8}, {10}});
}

TEST_CASE("threads change nothing, wherever conversations end early", "[threads]") {
  const data::SampleBuilder builder = byte_builder({40, 4});
  std::set<Index> pictured;
  for (Index i = 0; i < 1500; ++i)
    if (i * i % 97 < 30) pictured.insert(i);
  data::Dataset one = dataset(builder, 1500, pictured), three = one;
  const Groups alone = groups(one, builder, {{4, 3}, 2}, 1), team = groups(three, builder, {{4, 3}, 2}, 3);
  CHECK(alone == team);
  std::set<std::size_t> lengths;
  std::vector<Index> seen;
  for (const auto& g : alone) {
    lengths.insert(g.size());
    seen.insert(seen.end(), g.begin(), g.end());
  }
  CHECK(lengths == std::set<std::size_t>{1, 2, 3, 4});
  std::sort(seen.begin(), seen.end());
  for (Index i = 0; i < 1500; ++i) CHECK(seen[std::size_t(i)] == i);
  for (std::size_t i = 0; i < one.sizes.size(); ++i) CHECK(one.sizes[i].tokens <= 40);
}
