#include <vlt/train/metrics_writer.hpp>

#include <catch2/catch.hpp>
#include <filesystem>
#include <random>
#include <unit/io/temporary_folder.hpp>
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
  std::vector<vlt::EvalMetrics> evaluations;
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
      if (i % 4 == 0) m.lr_vision = 1e-5 * i;
      writer.step_done(m, {});
      written.push_back(m);
      if (i % 10 == 0) evaluations.push_back({i, 0.1 * i, 1.0 / i, i == 20 ? std::nullopt : std::optional(0.25)});
      if (i % 10 == 0) writer.evaluated(evaluations.back());
    }
  }
  const auto read = vlt::parse_metrics(vlt::read_whole_file(path, 1 << 20), path);
  std::filesystem::remove(path);
  CHECK(read.steps == written);
  CHECK(read.evaluations == evaluations);
}

TEST_CASE("a line of metrics names every figure, and leaves out what was not counted", "[pages]") {
  vlt::StepMetrics m = some_step();
  m.token_accuracy = 0.25;
  CHECK(vlt::metrics_line(m) ==
        R"({"step": 12, "epoch": 0.5, "loss": 0.33333333333333331, "grad_norm": 2.5, "lr": 0.001, "lr_vision": null, )"
        R"("lr_language": 2.0000000000000002e-05, "tokens": 1000, "supervised_tokens": 90, "tokens_per_s": 12345.678, )"
        R"("images_per_s": 7, "mfu": 0.5, "memory": 314572800, "received_bytes": 4321, "token_accuracy": 0.25, )"
        R"("loss_by_dataset": {"shapes": 0.10000000000000001, "odd \"name\"": 0.20000000000000001}})");
  m.token_accuracy.reset(), m.loss_by_dataset.clear(), m.received = 1, m.loss_scale = 2, m.skipped = 3;
  CHECK_THAT(vlt::metrics_line(m), Catch::EndsWith(R"("loss_scale": 2, "skipped": 3, "received_bytes": 1})"));
  CHECK(vlt::metrics_line(vlt::EvalMetrics{7, 0.5, 2, {}}) == R"({"step": 7, "epoch": 0.5, "eval_loss": 2})");
  CHECK(vlt::metrics_line(vlt::EvalMetrics{7, 0.5, 2, 1}) ==
        R"({"step": 7, "epoch": 0.5, "eval_loss": 2, "token_accuracy": 1})");
  const vlt::StepMetrics none;
  CHECK(vlt::metrics_line(none) ==
        R"({"step": 0, "epoch": 0, "loss": 0, "grad_norm": 0, "lr": null, "lr_vision": null, "lr_language": null, )"
        R"("tokens": 0, "supervised_tokens": 0, "tokens_per_s": 0, "images_per_s": 0, "mfu": 0, "memory": 0})");
}

TEST_CASE("a history is written in the order in which it came about, before what follows it", "[pages]") {
  vlt::MetricsHistory h;
  h.steps = {some_step(), some_step(), some_step()};
  h.steps[1].step = 13, h.steps[2].step = 14;
  h.evaluations = {{12, 1, 1, {}}, {13, 1, 1, {}}, {14, 1, 1, {}}};
  std::vector<std::string> wanted;
  for (std::size_t i = 0; i < 3; ++i)
    wanted.insert(wanted.end(), {vlt::metrics_line(h.steps[i]), vlt::metrics_line(h.evaluations[i])});
  std::vector<std::string> lines;
  vlt::for_each_metrics_line(h, [&](const std::string& line) { lines.push_back(line); });
  CHECK(lines == wanted);
  const vlt::test::TemporaryFolder t;
  vlt::MetricsWriter(t / "m", h).step_done(some_step(), {});
  std::string text;
  for (const std::string& line : wanted) text += line + "\n";
  CHECK(vlt::read_whole_file(t / "m", 1 << 20) == text + vlt::metrics_line(some_step()) + "\n");
  const vlt::MetricsHistory one = vlt::parse_metrics("{\"step\": 3}", "m");
  REQUIRE(one.steps.size() == 1);
  CHECK((one.steps[0].step == 3 && one.steps[0].tokens == 0 && std::isnan(one.steps[0].epoch) && !one.steps[0].lr));
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
