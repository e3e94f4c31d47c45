#pragma once
#include <fstream>
#include <vlt/train/trainer_listener.hpp>

namespace vlt {

// Writes metrics.jsonl, a line at a time; every line reaches the system before the call returns. Exit 6 if it cannot.
class MetricsWriter final : public TrainerListener {
 public:
  // The file begins with what a run that is taken up again has found before.
  explicit MetricsWriter(std::string path, const MetricsHistory& before = {})
      : path_(std::move(path)), file_(path_, std::ios::binary) {
    check();
    for (const std::string& line : metrics_lines(before)) write(line);
  }
  void step_done(const StepMetrics& m, const Pace&) override { write(metrics_line(m)); }
  void evaluated(const EvalMetrics& m) override { write(metrics_line(m)); }

 private:
  std::string path_;
  std::ofstream file_;

  void write(const std::string& line) {
    file_ << line << '\n' << std::flush;
    check();
  }
  void check() const {
    if (file_) return;
    throw Error(ExitCode::write, Complaint("WRITE-LOG-001", "the metrics cannot be written")
                                     .at(path_)
                                     .help("see that --output_dir is writable and that its disk has room"));
  }
};

}  // namespace vlt
