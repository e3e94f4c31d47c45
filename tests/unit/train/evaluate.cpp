// What an evaluation finds: means over tokens, whoever reads them and however they are batched.
#include "scripted_engine.hpp"

using namespace scripted;

namespace {

struct Found {
  EvaluationResult result;
  std::vector<Index> lost;
  Index batches = 0;
};
std::vector<Found> evaluated(int ranks, const std::shared_ptr<vlt::data::SampleSource>& data, Index sequences) {
  std::vector<Found> each(static_cast<std::size_t>(ranks));
  const vlt::data::BatchRules rules{.sequences = sequences, .ranks = ranks};
  dist::ThreadGroup::run(ranks, [&](dist::World& world) {
    Found& mine = each[std::size_t(world.rank())];
    Model model;
    scripted::Engine engine(world);
    mine.result = evaluate(model, engine, {data, plan_of(*data, rules), loader_of(rules, 0)}, world,
                           [&](const vlt::data::LostSample& l) { mine.lost.push_back(l.record); });
    mine.batches = engine.evaluated;
  });
  return each;
}
// The same sums, record by record.
EvaluationResult expected(const vlt::data::SampleSource& data, const std::set<Index>& broken) {
  EvaluationResult r;
  r.loss_by_group = {0, 0};
  double sum = 0, correct = 0, group_tokens[2] = {0, 0};
  const Index end = data.builder.tokenizer().id("</s>");
  for (Index i = 0; i < data.data.size(); ++i) {
    if (broken.contains(i)) continue;
    const double loss = double(i + 1) * 'x' + double(end);
    sum += loss, r.loss_by_group[std::size_t(i % 2)] += loss, group_tokens[i % 2] += double(supervised({i}));
    correct += double(i + 1) * ('x' % 2 == 0) + double(end % 2 == 0);
    r.tokens += data.data.sizes[std::size_t(i)].tokens, r.supervised += supervised({i}), ++r.records;
  }
  r.loss = sum / double(r.supervised), r.accuracy = correct / double(r.supervised);
  for (int g = 0; g < 2; ++g)
    if (group_tokens[g] > 0) r.loss_by_group[std::size_t(g)] /= group_tokens[g];
  return r;
}
bool same(const EvaluationResult& a, const EvaluationResult& b) {
  return a.loss == b.loss && a.accuracy == b.accuracy && a.tokens == b.tokens && a.supervised == b.supervised &&
         a.records == b.records && a.loss_by_group == b.loss_by_group;
}

}  // namespace

TEST_CASE("an evaluation is a mean over tokens, for any batches and any number of ranks", "[threads]") {
  const auto data = source(10);
  const EvaluationResult truth = expected(*data, {});
  CHECK(truth.loss != Approx((truth.loss_by_group[0] + truth.loss_by_group[1]) / 2));
  for (const int ranks : {1, 2, 3})
    for (const Index sequences : {1, 3, 4, 20})
      for (const Found& f : evaluated(ranks, data, sequences)) {
        INFO(ranks << " ranks, " << sequences << " sequences");
        CHECK(same(f.result, truth));
        CHECK(f.lost.empty());
        CHECK(f.batches == (10 + sequences * ranks - 1) / (sequences * ranks));
      }
}

TEST_CASE("what is lost while it is decoded is left out, and every rank hears of it", "[threads]") {
  const std::set<Index> broken{1, 4, 5, 6, 7};
  const auto data = source(9, broken);
  for (const int ranks : {1, 2}) {
    for (const Found& f : evaluated(ranks, data, 4 / ranks)) {
      CHECK(same(f.result, expected(*data, broken)));
      CHECK(f.lost == std::vector<Index>{1, 4, 5, 6, 7});
      CHECK(f.batches == 2);  // of three: the second is empty everywhere
    }
  }
}

TEST_CASE("where nothing is left an evaluation finds nothing") {
  const Found f = evaluated(1, source(2, {0, 1}), 1).front();
  CHECK(f.result.records == 0);
  CHECK(f.result.loss == 0);
  CHECK(f.result.loss_by_group == std::vector<double>{0, 0});
}

TEST_CASE("an evaluation of nothing") {
  const EvaluationResult r;
  CHECK((r.loss == 0 && r.accuracy == 0 && r.tokens == 0 && r.supervised == 0 && r.records == 0));
}
