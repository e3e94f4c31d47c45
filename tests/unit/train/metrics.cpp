#include <vlt/report/progress.hpp>
#include <vlt/train/metrics_writer.hpp>

#include <catch2/catch.hpp>
#include <filesystem>
#include <random>
#include <sstream>
#include <vlt/io/file.hpp>

namespace {

vlt::StepMetrics some_step() {
  vlt::StepMetrics m;
  m.step = 12, m.epoch = 0.5, m.loss = 1.0 / 3, m.grad_norm = 2.5;
  m.lr = 1e-3, m.lr_language = 2e-5;
  m.tokens = 1000, m.supervised_tokens = 90, m.tokens_per_s = 12345.678, m.images_per_s = 7, m.mfu = 0.5;
  m.memory = vlt::Index(300) << 20, m.received = 4321;
  m.loss_by_dataset = {{"shapes", 0.1}, {"odd \"name\"", 0.2}};
  return m;
}

}  // namespace

TEST_CASE("metrics read back bit for bit", "[pages]") {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("vlt-metrics-" + std::to_string(getpid()))).string();
  std::mt19937_64 random(1);
  std::vector<vlt::StepMetrics> written;
  {
    vlt::MetricsWriter writer(path);
    for (int i = 1; i <= 50; ++i) {
      vlt::StepMetrics m = some_step();
      m.step = i;
      m.loss = std::ldexp(double(random()), -int(random() % 120));
      m.grad_norm = std::generate_canonical<double, 53>(random);
      if (i % 2) m.token_accuracy = 1.0 / i;
      if (i % 3 == 0) m.lr.reset();
      if (i % 5 == 0) m.filled = 1.0 / (i + 2);
      writer.step_done(m, {});
      written.push_back(m);
      if (i % 10 == 0) writer.evaluated({i, 0.1 * i, 1.0 / i, 0.25});
    }
  }
  const auto read = vlt::parse_metrics(vlt::read_whole_file(path, 1 << 20), path);
  std::filesystem::remove(path);
  REQUIRE(read.steps.size() == 50);
  REQUIRE(read.evaluations.size() == 5);
  for (std::size_t i = 0; i < 50; ++i) {
    CHECK(read.steps[i].loss == written[i].loss);
    CHECK(read.steps[i].grad_norm == written[i].grad_norm);
    CHECK(read.steps[i].token_accuracy == written[i].token_accuracy);
    CHECK(read.steps[i].filled == written[i].filled);
    CHECK(read.steps[i].lr == written[i].lr);
    CHECK(read.steps[i].lr_language == written[i].lr_language);
    CHECK_FALSE(read.steps[i].lr_vision);
    CHECK(read.steps[i].loss_by_dataset == written[i].loss_by_dataset);
    CHECK(read.steps[i].tokens == 1000);
  }
  CHECK(read.evaluations[4].eval_loss == 1.0 / 50);
}

TEST_CASE("a loss that is no number is null, and NaN again", "[pages]") {
  vlt::StepMetrics m = some_step();
  m.loss = std::nan("");
  const std::string line = vlt::metrics_line(m);
  CHECK(line.find("\"loss\": null") != line.npos);
  CHECK(std::isnan(vlt::parse_metrics(line + "\n", "m").steps[0].loss));
}

TEST_CASE("a step that was skipped says so, and reads back equal to itself", "[pages]") {
  vlt::StepMetrics m = some_step();
  m.grad_norm = INFINITY, m.lr.reset(), m.lr_language.reset(), m.loss_scale = 32768, m.skipped = 3;
  const std::string line = vlt::metrics_line(m);
  CHECK_THAT(line, Catch::Contains("\"grad_norm\": null, \"lr\": null"));
  CHECK_THAT(line, Catch::Contains("\"loss_scale\": 32768, \"skipped\": 3"));
  const auto read = vlt::parse_metrics(line + "\n", "m").steps[0];
  CHECK(read == m);
  CHECK(read.skipped == 3);
  CHECK(read.loss_scale == 32768);
  m.skipped = 4;
  CHECK_FALSE(read == m);
  CHECK(vlt::metrics_line(some_step()).find("loss_scale") == std::string::npos);
  std::ostringstream log;
  vlt::report::Progress(log, vlt::report::ProgressStyle::lines, 100, 6).step(m, 24, 12);
  CHECK_THAT(log.str(), Catch::EndsWith("300.00 MiB  4 skipped, loss scale 32768\n"));
}

TEST_CASE("metrics that cannot be written or read are refused", "[pages]") {
  try {
    vlt::MetricsWriter writer("/proc/vlt/metrics.jsonl");
    FAIL("written");
  } catch (const vlt::Error& e) {
    CHECK(e.exit() == vlt::ExitCode::write);
    CHECK(e.complaint().code() == "WRITE-LOG-001");
    CHECK(e.complaint().found() == "No such file or directory (2)");
  }
  CHECK_THROWS_AS(vlt::parse_metrics("{\"step\": 1}\n{", "m"), vlt::Error);
}

TEST_CASE("progress on a terminal rewrites one line", "[pages]") {
  std::ostringstream out;
  vlt::report::Progress progress(out, vlt::report::ProgressStyle::terminal, 100, 6, 60);
  progress.step(some_step(), 24, 12);
  CHECK(out.str() == "\rstep 12/100  epoch 0.50/6  loss 0.3333  lr 1.00e-03  12.3 k");
  progress.say("saved epoch-0");
  CHECK(out.str().ends_with("\r" + std::string(59, ' ') + "\rsaved epoch-0\n"));
  progress.finish();
  CHECK(out.str().ends_with("saved epoch-0\n"));
}

TEST_CASE("progress says how full micro-batches are, where they have a budget", "[pages]") {
  std::ostringstream log;
  vlt::report::Progress progress(log, vlt::report::ProgressStyle::lines, 100, 6);
  vlt::StepMetrics m = some_step();
  m.filled = 0.926;
  progress.step(m, 24, 12);
  CHECK(log.str().ends_with("300.00 MiB  93 % full\n"));
}

TEST_CASE("progress in a log is a line each, and JSON on request", "[pages]") {
  std::ostringstream log, json;
  vlt::report::Progress lines(log, vlt::report::ProgressStyle::lines, 100, 6),
      objects(json, vlt::report::ProgressStyle::json, 100, 6);
  for (auto* p : {&lines, &objects}) {
    p->step(some_step(), 24, 12);
    p->evaluation({12, 0.5, 0.75, 0.5});
    p->say("done");
    p->finish();
  }
  CHECK(log.str() ==
        "step 12/100  epoch 0.50/6  loss 0.3333  lr 1.00e-03  12.3 k tok/s  2:56 left  300.00 MiB\n"
        "step 12  epoch 0.50  eval loss 0.7500  token accuracy 50.00 %\ndone\n");
  const std::string text = json.str();
  CHECK(std::count(text.begin(), text.end(), '\n') == 3);
  CHECK(text.ends_with("{\"note\": \"done\"}\n"));
  CHECK(vlt::parse_metrics(text.substr(0, text.find("{\"note")), "log").steps[0].loss == 1.0 / 3);
}

TEST_CASE("the best evaluation is the first of the lowest loss", "[pages]") {
  vlt::MetricsHistory h;
  CHECK(vlt::best_evaluation(h) == nullptr);
  CHECK(vlt::evaluations_since_best(h) == 0);
  const auto since = [&](double loss) {
    h.evaluations.push_back({vlt::Index(h.evaluations.size()), 0, loss, {}});
    return vlt::evaluations_since_best(h);
  };
  CHECK(since(3) == 0);
  CHECK(since(2) == 0);
  CHECK(since(2) == 1);
  CHECK(since(5) == 2);
  CHECK(vlt::best_evaluation(h)->step == 1);
  CHECK(since(1) == 0);
}
