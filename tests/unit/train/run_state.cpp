// What a run is besides its weights: written and read back exactly.
#include <random>
#include <unit/io/temporary_folder.hpp>
#include <vlt/io/file.hpp>
#include <vlt/train/metrics_writer.hpp>
#include <vlt/train/run_state.hpp>

using namespace vlt;
using vlt::test::read_text;
using vlt::test::refused;
using vlt::test::TemporaryFolder;

namespace {

// A run of eight steps, the fifth and the last skipped, with an evaluation after every third; its numbers use all their
// bits.
RunState some_state() {
  std::mt19937_64 random(3);
  const auto number = [&] { return std::ldexp(double(random()), -int(random() % 200)); };
  RunState s;
  s.step = 8, s.updates = 6, s.overflows = 1, s.concluded = 7,
  s.micro_batch = 9007199254740993;  // beyond what a double holds exactly
  s.lost_records = {5, 17, 1000000007}, s.taken_up_after = {2, 2, 5};
  s.before_answers = {"a \"red\" circle\n", "", "ein gr\xc3\xbcnes Viereck"};
  s.loss_scale = LossScale{15, 7};
  for (Index step : {1, 2, 3, 4, 6, 7, 8}) {
    StepMetrics m;
    m.step = step, m.epoch = double(step) / 3, m.loss = number(), m.grad_norm = number();
    m.lr = number(), m.lr_language = step % 2 ? std::optional(number()) : std::nullopt;
    m.tokens = 100 + step, m.supervised_tokens = 9, m.tokens_per_s = number(), m.images_per_s = -0.0, m.mfu = number();
    m.memory = Index(1) << 40, m.token_accuracy = number();
    m.loss_scale = 32768, m.skipped = step == 8;
    if (step == 8) m.grad_norm = INFINITY, m.lr = m.lr_language = std::nullopt;
    if (step > 2) m.loss_by_dataset = {{"shapes", number()}, {"odd \"name\"", number()}};
    s.history.steps.push_back(m);
  }
  for (Index step : {3, 6, 7}) s.history.evaluations.push_back({step, double(step) / 3, number(), number()});
  return s;
}
void refuse(const std::string& text, const std::string& word) {
  refused([&] { parse_run_state(text, "state.json"); }, ExitCode::checkpoint, "CKPT-JSON-009", word, "state.json");
}

}  // namespace

TEST_CASE("a run's state reads back bit for bit") {
  const RunState s = some_state(), read = parse_run_state(to_json(s), "state.json");
  CHECK(read == s);
  CHECK(read.loss_scale == LossScale{15, 7});
  CHECK(read.overflows == 1);
  CHECK(std::isnan(read.history.steps.back().grad_norm));
  CHECK(read.history.steps.back().skipped == 1);
  CHECK(std::signbit(read.history.steps[0].images_per_s));
  CHECK(to_json(read) == to_json(s));
  CHECK(read.skipped() == 2);
  CHECK(parse_run_state(to_json({}), "state.json") == RunState());
}

TEST_CASE("what is no state of a run is refused with its place") {
  const std::string whole = to_json(some_state());
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = whole;
    return text.replace(text.find(from), from.size(), to);
  };
  refuse(with("\"step\": 8, ", ""), "lacks the key step");
  refuse(with("\"step\": 8", "\"steps\": 7"), "the key \"steps\"");
  refuse(with("\"step\": 8", "\"updates\": 6"), "the key \"updates\"");
  refuse(with("\"step\": 8", "\"step\": 5"), "more updates than steps");
  refuse(with("\"step\": 8", "\"step\": 9"), "owes more than one step");
  refuse(with("\"concluded\": 7", "\"concluded\": 9"), "owes more than one step");
  for (const char* wrong : {"-7", "7.5", "1e3", "99999999999999999999"})
    refuse(with("\"step\": 8", "\"step\": " + std::string(wrong)), wrong);
  refuse(with("\"step\": 8", "\"step\": \"7\""), "another kind");
  refuse(with("\"overflows\": 1", "\"overflows\": 3"), "more updates than steps");
  refuse(with("\"power\": 15", "\"power\": 128"), "a loss scale that no run has");
  refuse(with("\"clean\": 7", "\"clean\": 100"), "a loss scale that no run has");
  refuse(with(", \"clean\": 7", ""), "a loss scale that no run has");
  refuse(with("\"clean\": 7", "\"power\": 7"), "the key \"power\"");
  refuse(with("\"loss_scale\": {", "\"loss_scale\": 3, \"history\": {"), "another kind");
  refuse(with("[5,", "[\"5\","), "another kind");
  refuse(with("\"before_answers\": [", "\"before_answers\": [3, "), "another kind");
  refuse(with("\"history\": [", "\"history\": [3, "), "another kind");
  refuse(whole + "{}", "behind");
  refuse("[]", "another kind");
  refused([&] { parse_run_state(whole.substr(0, whole.size() / 2), "state.json"); }, ExitCode::checkpoint,
          "CKPT-JSON-008", "cut off");
}

TEST_CASE("metrics of a run that is taken up again go on where they ended") {
  const TemporaryFolder t;
  const RunState s = some_state();
  MetricsHistory first = s.history;
  {
    MetricsWriter whole(t / "whole");
    for (const StepMetrics& m : s.history.steps) {
      whole.step_done(m, {});
      for (const EvalMetrics& e : s.history.evaluations)
        if (e.step == m.step) whole.evaluated(e);
    }
  }
  first.steps.resize(4), first.evaluations.resize(1);
  {
    MetricsWriter second(t / "second", first);
    second.step_done(s.history.steps[4], {}), second.evaluated(s.history.evaluations[1]);
    second.step_done(s.history.steps[5], {}), second.evaluated(s.history.evaluations[2]);
    second.step_done(s.history.steps[6], {});
  }
  CHECK(read_text(t / "second") == read_text(t / "whole"));
  const MetricsHistory read = parse_metrics(read_text(t / "whole"), "whole");
  CHECK(read == s.history);
}
