#pragma once
#include <vlt/io/line_file.hpp>
#include <vlt/train/trainer_listener.hpp>

namespace vlt {

// Writes metrics.jsonl, a line at a time; every line reaches the system before the call returns. Exit 6 if it cannot.
class MetricsWriter final : public TrainerListener {
 public:
  // The file begins with what a run that is taken up again has found before.
  explicit MetricsWriter(std::string path, const MetricsHistory& before = {}) : file_(std::move(path), "the metrics") {
    for_each_metrics_line(before, [&](const std::string& line) { file_.write(line); });
  }
  void step_done(const StepMetrics& m, const Pace&) override { file_.write(metrics_line(m)); }
  void evaluated(const EvalMetrics& m) override { file_.write(metrics_line(m)); }

 private:
  LineFile file_;
};

}  // namespace vlt
