// Which records make a micro-batch of which rank, and how long a run is.
#include <catch2/catch.hpp>
#include <numeric>
#include <set>
#include <vlt/data/batch_plan.hpp>

using namespace vlt;

namespace {

using Records = std::vector<Index>;

Records list(std::span<const Index> records) { return {records.begin(), records.end()}; }
Records numbers(Index count) {
  Records all(static_cast<std::size_t>(count));
  std::iota(all.begin(), all.end(), Index(0));
  return all;
}
// Records of 10, 11, ... tokens, every third with two pictures of five tiles.
std::vector<data::SampleSize> sizes(Index count) {
  std::vector<data::SampleSize> all;
  for (std::int32_t i = 0; i < count; ++i) all.push_back({10 + i, 3, i % 3, i % 3 * 5});
  return all;
}
// All parts of an epoch, micro-batch by micro-batch, rank by rank.
std::vector<Records> parts(data::BatchPlan& plan, Index epoch = 0) {
  std::vector<Records> all;
  for (Index m = 0; m < plan.micro_batches(epoch); ++m)
    for (int r = 0; r < plan.rules().ranks; ++r) all.push_back(list(plan.records(epoch, m, r)));
  return all;
}

}  // namespace

TEST_CASE("every epoch visits every record once, in an order of its own") {
  Records pool(23);
  std::iota(pool.begin(), pool.end(), Index(100));
  const auto plan = [&](std::uint64_t seed) {
    return data::BatchPlan({pool, seed, true}, {}, {.sequences = 5, .epochs = 4});
  };
  data::BatchPlan mine = plan(1), again = plan(1), other = plan(2);
  REQUIRE(mine.micro_batches(0) == 5);
  REQUIRE(mine.micro_batches() == 20);
  std::set<Records> epochs;
  for (Index epoch = 0; epoch < 4; ++epoch) {
    Records seen, seen_by_other;
    for (Index k = 0; k < 5; ++k) {
      const auto batch = list(mine.records(epoch * 5 + k, 0)), theirs = list(other.records(epoch * 5 + k, 0));
      CHECK(batch.size() == (k < 4 ? 5 : 3));
      CHECK(batch == list(mine.records(epoch, k, 0)));
      seen.insert(seen.end(), batch.begin(), batch.end());
      seen_by_other.insert(seen_by_other.end(), theirs.begin(), theirs.end());
    }
    CHECK(seen != seen_by_other);
    epochs.insert(seen);
    std::sort(seen.begin(), seen.end());
    CHECK(seen == pool);
  }
  CHECK(epochs.size() == 4);
  CHECK(list(again.records(17, 0)) == list(mine.records(17, 0)));  // asked for out of turn
  data::BatchPlan still({pool, 1, false}, {}, {.sequences = 4, .epochs = 2});
  CHECK(still.records(6, 0)[0] == 100);
  CHECK_THROWS_AS(still.records(0, 6, 0), std::invalid_argument);
  CHECK_THROWS_AS(still.records(0, 0, 1), std::invalid_argument);
}

TEST_CASE("an order of a seed is the one it has always been") {
  CHECK(data::SampleOrder(numbers(10), 1, true).epoch(0) == Records{3, 1, 5, 0, 7, 4, 8, 6, 9, 2});
  CHECK(data::SampleOrder(numbers(10), 1, true).epoch(1) == Records{3, 6, 7, 0, 9, 2, 5, 8, 4, 1});
}

TEST_CASE("a micro-batch is dealt to the ranks evenly, and some get nothing where there is little") {
  data::BatchPlan plan({numbers(11), 0, false}, {}, {.sequences = 2, .ranks = 3});
  CHECK(parts(plan) == std::vector<Records>{{0, 1}, {2, 3}, {4, 5}, {6, 7}, {8, 9}, {10}});
  data::BatchPlan few({numbers(7), 0, false}, {}, {.sequences = 2, .ranks = 3});
  CHECK(parts(few) == std::vector<Records>{{0, 1}, {2, 3}, {4, 5}, {6}, {}, {}});
  data::BatchPlan four({numbers(4), 0, false}, {}, {.sequences = 4, .ranks = 3});
  CHECK(parts(four) == std::vector<Records>{{0, 1}, {2}, {3}});
}

TEST_CASE("the same micro-batches hold the same records for any number of ranks") {
  const auto together = [](int ranks) {
    data::BatchPlan plan({numbers(29), 3, true}, {}, {.sequences = 12 / ranks, .ranks = ranks, .epochs = 2});
    std::vector<Records> all;
    for (Index m = 0; m < plan.micro_batches(); ++m) {
      all.emplace_back();
      for (int r = 0; r < ranks; ++r) {
        const auto part = plan.records(m, r);
        all.back().insert(all.back().end(), part.begin(), part.end());
      }
    }
    return all;
  };
  CHECK(together(1).size() == 6);
  for (const int ranks : {2, 3, 4}) CHECK(together(ranks) == together(1));
}

TEST_CASE("accumulation runs on across epochs and the last partial step is applied") {
  const data::BatchPlan n({numbers(5), 0, true}, {},
                          {.epochs = 3, .accumulation = 4});  // 15 micro-batches, 4 to a step
  CHECK(n.schedule_steps() == 4);
  CHECK(n.steps() == 4);
  CHECK(n.position(3) == 12);
  CHECK(n.position(4) == 15);
  CHECK(n.end() == 15);
  CHECK(n.epochs(n.position(4)) == 3.0);
  CHECK(n.epochs(7) == 7.0 / 5.0);
  CHECK(n.whole_epochs(9) == 1);
  CHECK(n.whole_epochs(10) == 2);
  CHECK(n.whole_epochs(15) == 3);
}

TEST_CASE("max_steps ends the run but not the schedule") {
  const auto plan = [](Index max_steps) {
    return data::BatchPlan({numbers(5), 0, true}, {}, {.epochs = 2, .max_steps = max_steps});
  };
  CHECK(plan(7).steps() == 7);
  CHECK(plan(7).end() == 7);
  CHECK(plan(7).schedule_steps() == 10);
  CHECK(plan(70).steps() == 10);
}

TEST_CASE("a budget of tokens fills one part after another") {
  const auto all = sizes(8);  // 10 to 17 tokens
  const auto plan = [&](Index tokens, int ranks) {
    return data::BatchPlan({numbers(8), 0, false}, all, {.tokens = tokens, .ranks = ranks});
  };
  data::BatchPlan one = plan(33, 1), two = plan(33, 2), tight = plan(9, 1), exact = plan(21, 1), wide = plan(1000, 3);
  CHECK(parts(one) == std::vector<Records>{{0, 1, 2}, {3, 4}, {5, 6}, {7}});
  CHECK(parts(two) == parts(one));
  CHECK(two.micro_batches() == 2);
  CHECK(tight.micro_batches() == 8);  // at least one record, however long
  CHECK(list(exact.records(0, 0)) == Records{0, 1});
  CHECK(parts(wide) == std::vector<Records>{numbers(8), {}, {}});
}

TEST_CASE("under a budget of tokens epochs differ in length, and every record is still seen once in each") {
  std::vector<data::SampleSize> all = sizes(40);
  for (data::SampleSize& s : all) s.tokens = s.tokens * s.tokens % 97 + 1;
  const data::BatchRules rules{.tokens = 120, .ranks = 2, .epochs = 6, .accumulation = 3};
  data::BatchPlan plan({numbers(40), 5, true}, all, rules);
  std::set<Index> lengths;
  Index total = 0;
  for (Index e = 0; e < 6; ++e) {
    lengths.insert(plan.micro_batches(e));
    CHECK(plan.whole_epochs(total) == e);
    CHECK(plan.epochs(total) == double(e));
    CHECK(plan.epochs(total + 1) == Approx(double(e) + 1.0 / double(plan.micro_batches(e))));
    total += plan.micro_batches(e);
    Records seen;
    for (const Records& part : parts(plan, e)) {
      Index tokens = 0;
      for (const Index r : part) tokens += all[std::size_t(r)].tokens;
      CHECK(tokens <= 120);
      seen.insert(seen.end(), part.begin(), part.end());
    }
    std::sort(seen.begin(), seen.end());
    CHECK(seen == numbers(40));
  }
  CHECK(lengths.size() > 1);
  CHECK(plan.micro_batches() == total);
  CHECK(plan.steps() == (total + 2) / 3);
  CHECK(plan.largest().tokens <= 120);
  double tokens = 0;
  for (const data::SampleSize& s : all) tokens += s.tokens;
  CHECK(plan.filled() == Approx(6 * tokens / (double(total) * 2 * 120)));
}

TEST_CASE("the largest micro-batch is that of all which the run reads, of every rank") {
  const auto all = sizes(37);
  const auto plan = [&](Index max_steps, int ranks) {
    return data::BatchPlan({numbers(37), 1, true}, all,
                           {.sequences = 4, .ranks = ranks, .epochs = 6, .max_steps = max_steps});
  };
  for (const int ranks : {1, 3})
    for (const Index max_steps : {1, 13, 50}) {
      data::BatchPlan p = plan(max_steps, ranks);
      data::MicroBatchSize expected;
      for (Index m = 0; m < p.end(); ++m)
        for (int r = 0; r < ranks; ++r) {
          data::MicroBatchSize one;
          for (const Index record : p.records(m, r)) one.add(all[std::size_t(record)]);
          expected.cover(one);
        }
      const data::MicroBatchSize largest = p.largest();
      CHECK(largest.sequences == 4);
      CHECK(largest.tokens == expected.tokens);
      CHECK(largest.images == expected.images);
      CHECK(largest.tiles == 5 * largest.images);
      CHECK(largest.longest == expected.longest);
      CHECK(largest.supervised == 12);
    }
  CHECK(plan(50, 1).largest().longest == 46);
  CHECK(plan(1, 1).largest().tokens < plan(50, 1).largest().tokens);
}

TEST_CASE("other ranks than a run began with share its micro-batches") {
  const std::vector<data::SampleSize> all = sizes(37);
  const auto together = [&](data::BatchRules rules, int ranks) {
    rules.ranks = ranks, rules.began_with = ranks == 3 ? 0 : 3;
    data::BatchPlan plan({numbers(37), 5, true}, all, rules);
    std::vector<Records> micro_batches;
    for (Index m = 0; m < plan.micro_batches(); ++m) {
      Records& one = micro_batches.emplace_back();
      std::size_t most = 0, least = 37;
      for (int r = 0; r < ranks; ++r) {
        const Records part = list(plan.records(m, r));
        one.insert(one.end(), part.begin(), part.end());
        most = std::max(most, part.size()), least = std::min(least, part.size());
      }
      if (rules.began_with > 0) CHECK(most - least <= 1);
    }
    CHECK(plan.steps() == (plan.micro_batches() + 1) / 2);
    return micro_batches;
  };
  for (const data::BatchRules& rules : {data::BatchRules{.sequences = 2, .epochs = 2, .accumulation = 2},
                                        data::BatchRules{.tokens = 60, .epochs = 2, .accumulation = 2}}) {
    const auto first = together(rules, 3);
    CHECK(first[0].size() > 3);
    for (const int ranks : {1, 2, 4, 5, 9}) {
      INFO(ranks << " ranks");
      CHECK(together(rules, ranks) == first);
    }
  }
}
