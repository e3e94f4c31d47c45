// What a micro-batch gets of each record, and how records are named.
#include "byte_samples.hpp"

#include <catch2/catch.hpp>
#include <vlt/data/sample_source.hpp>

using namespace vlt;
using namespace vlt::test;

namespace {

// Two records of two files: the first with two pictures, of which "bad.png" cannot be read.
data::SampleSource source() {
  data::SampleSource s{{},
                       byte_builder({64, 4}),
                       [](const std::string& name, std::span<float> to) {
                         if (name == "bad.png") throw std::runtime_error("unreadable");
                         std::fill(to.begin(), to.end(), float(name.size()));
                       },
                       3};
  s.data.files.resize(2);
  s.data.files[0].path = "a.json", s.data.files[1].path = "b.json";
  s.data.records.push_back(talk({{"<image><image>q", "ab"}}, {"x.png", "long.png"}));
  s.data.records.push_back(talk({{"<image><image>q", "c"}}, {"y.png", "bad.png"}));
  s.data.records[1].place = {1, 3, 5, 88};
  s.data.sizes.resize(2);
  return s;
}

}  // namespace

TEST_CASE("a record is appended with all that it counts") {
  const data::SampleSource s = source();
  text::Encoder encoder(s.builder.tokenizer());
  const data::PreparedSample p = s.builder.prepare(s.data.records[0], encoder);
  data::MicroBatch b;
  std::vector<std::string> read;
  const auto append = [&](Index record) {
    const std::vector<Index> members{record};
    s.append(record, members, encoder, b, [&](Index of, const std::string& name) {
      CHECK(of == record);
      read.push_back(name);
    });
  };
  append(0);
  CHECK(read == std::vector<std::string>{"x.png", "long.png"});
  CHECK(b.pixels == std::vector<float>{5, 5, 5, 8, 8, 8});
  REQUIRE(b.samples.size() == 1);
  CHECK(b.samples[0].id == p.sample.id);
  CHECK(b.record == std::vector<Index>{0});
  CHECK(b.group == std::vector<int>{0});
  CHECK((b.images == 2 && b.tiles == 2 && b.tokens == p.tokens && b.supervised == p.supervised));
  CHECK_THROWS_AS(append(1), std::runtime_error);
  CHECK(b.pixels.size() == 6);  // as it was
  CHECK((b.samples.size() == 1 && b.record.size() == 1 && b.images == 2));
  append(0);
  CHECK((b.images == 4 && b.tiles == 4 && b.tokens == 2 * p.tokens && b.supervised == 2 * p.supervised));
  b.clear();
  CHECK((b.samples.empty() && b.record.empty() && b.group.empty() && b.pixels.empty()));
  CHECK((b.images == 0 && b.tiles == 0 && b.tokens == 0 && b.supervised == 0));
}

TEST_CASE("samples are measured, and records named, where they stand") {
  data::SampleSource s = source();
  s.measure();
  text::Encoder encoder(s.builder.tokenizer());
  for (std::size_t i = 0; i < 2; ++i) {
    const data::PreparedSample p = s.builder.prepare(s.data.records[i], encoder);
    CHECK(s.data.sizes[i].tokens == p.tokens);
    CHECK(s.data.sizes[i].supervised == p.supervised);
    CHECK((s.data.sizes[i].images == 2 && s.data.sizes[i].tiles == 2));
  }
  CHECK(s.data.sizes[0].tokens == s.data.sizes[1].tokens + 1);
  data::MicroBatch b;
  s.reserve(std::vector<Index>{0, 1}, nullptr, b);
  CHECK(b.pixels.capacity() == 12);
  CHECK(s.place_of(1, ".image") == "b.json:88:3  $[5].image  (id \"7\")");
  CHECK(s.place_of(0) == "a.json:1:1  $[0]  (id \"7\")");
}

TEST_CASE("the size of a micro-batch is that of its samples, the largest covers all") {
  data::MicroBatchSize one, other, largest;
  one.add({10, 3, 1, 2}), one.add({7, 2, 4, 8});
  CHECK((one.sequences == 2 && one.tokens == 17 && one.supervised == 5 && one.images == 5));
  CHECK((one.tiles == 10 && one.longest == 10));
  other.add({20, 1, 0, 0});
  largest.cover(one), largest.cover(other);
  CHECK((largest.sequences == 2 && largest.tokens == 20 && largest.supervised == 5 && largest.images == 5));
  CHECK((largest.tiles == 10 && largest.longest == 20));
}
