#pragma once
#include <fstream>
#include <optional>
#include <string>
#include <utility>
#include <vector>
#include <vlt/base/config.hpp>
#include <vlt/base/error.hpp>
#include <vlt/io/json.hpp>
#include <vlt/train/json_line.hpp>

namespace vlt {

// What one optimiser step did: a line of metrics.jsonl. Absent rates belong to components that do not train.
struct StepMetrics {
  Index step = 0;                                    // counts from 1
  double epoch = 0;                                  // epochs done after this step, with fraction
  double loss = 0;                                   // mean over the supervised tokens of the step
  double grad_norm = 0;                              // before clipping
  std::optional<double> lr, lr_vision, lr_language;  // projector and image_newline; the rates applied in this step
  Index tokens = 0, supervised_tokens = 0;
  double tokens_per_s = 0, images_per_s = 0;
  double mfu = 0;    // share of the machine's peak, 0 if unknown
  Index memory = 0;  // resident bytes
  std::optional<double> loss_scale;
  std::optional<double> token_accuracy;
  std::vector<std::pair<std::string, double>> loss_by_dataset;
};

// What one evaluation found.
struct EvalMetrics {
  Index step = 0;
  double epoch = 0;
  double eval_loss = 0;  // mean over the supervised tokens of the evaluation set
  std::optional<double> token_accuracy;
};

// Everything that a metrics.jsonl holds, in the order of its lines.
struct MetricsHistory {
  std::vector<StepMetrics> steps;
  std::vector<EvalMetrics> evaluations;
};

inline std::string metrics_line(const StepMetrics& m) {
  const auto optional = [](const std::optional<double>& x) { return x ? json_number(*x) : std::string("null"); };
  JsonLine line;
  line.add("step", m.step).add("epoch", m.epoch).add("loss", m.loss).add("grad_norm", m.grad_norm);
  line.raw("lr", optional(m.lr)).raw("lr_vision", optional(m.lr_vision)).raw("lr_language", optional(m.lr_language));
  line.add("tokens", m.tokens).add("supervised_tokens", m.supervised_tokens);
  line.add("tokens_per_s", m.tokens_per_s).add("images_per_s", m.images_per_s).add("mfu", m.mfu);
  line.add("memory", m.memory);
  if (m.loss_scale) line.add("loss_scale", *m.loss_scale);
  if (m.token_accuracy) line.add("token_accuracy", *m.token_accuracy);
  if (!m.loss_by_dataset.empty()) {
    JsonLine sets;
    for (const auto& [name, loss] : m.loss_by_dataset) sets.add(name, loss);
    line.add("loss_by_dataset", sets);
  }
  return line.text();
}

inline std::string metrics_line(const EvalMetrics& m) {
  JsonLine line;
  line.add("step", m.step).add("epoch", m.epoch).add("eval_loss", m.eval_loss);
  if (m.token_accuracy) line.add("token_accuracy", *m.token_accuracy);
  return line.text();
}

// Writes metrics.jsonl, a line at a time; every line reaches the system before the call returns. Exit 6 if it cannot.
class MetricsWriter {
 public:
  explicit MetricsWriter(std::string path) : path_(std::move(path)), file_(path_, std::ios::binary) { check(); }

  void write(const StepMetrics& m) { write_line(metrics_line(m)); }
  void write(const EvalMetrics& m) { write_line(metrics_line(m)); }

 private:
  std::string path_;
  std::ofstream file_;

  void write_line(const std::string& line) {
    file_ << line << '\n' << std::flush;
    check();
  }
  void check() const {
    if (file_) return;
    throw Error(ExitCode::write, {.code = "WRITE-LOG-001",
                                  .what = "the metrics cannot be written",
                                  .place = path_,
                                  .expected = {},
                                  .found = {},
                                  .help = "see that --output_dir is writable and that its disk has room",
                                  .note = {}});
  }
};

// Reads what a MetricsWriter wrote; `null` is read as NaN where a number must be.
inline MetricsHistory parse_metrics(std::string_view text, const std::string& name) {
  MetricsHistory history;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const boost::json::value value =
        parse_json(text.substr(0, end), name + " line " + std::to_string(number), blame_checkpoint);
    text.remove_prefix(std::min(end + 1, text.size()));
    const Json line(value, name + ":" + std::to_string(number) + ": $", blame_checkpoint);
    const auto optional = [&](const char* key) {
      const auto found = line.find(key);
      return found ? std::optional(found->number()) : std::nullopt;
    };
    const auto real = [&](const char* key) { return optional(key).value_or(std::nan("")); };
    const auto whole = [&](const char* key) { return Index(line.at(key).integer()); };
    if (line.object().contains("eval_loss")) {
      history.evaluations.push_back({whole("step"), real("epoch"), real("eval_loss"), optional("token_accuracy")});
      continue;
    }
    StepMetrics m{whole("step"),
                  real("epoch"),
                  real("loss"),
                  real("grad_norm"),
                  optional("lr"),
                  optional("lr_vision"),
                  optional("lr_language"),
                  whole("tokens"),
                  whole("supervised_tokens"),
                  real("tokens_per_s"),
                  real("images_per_s"),
                  real("mfu"),
                  whole("memory"),
                  optional("loss_scale"),
                  optional("token_accuracy"),
                  {}};
    if (const auto sets = line.find("loss_by_dataset"))
      for (const auto& [key, loss] : sets->object())
        m.loss_by_dataset.emplace_back(key, loss.is_null() ? std::nan("") : loss.to_number<double>());
    history.steps.push_back(std::move(m));
  }
  return history;
}

}  // namespace vlt
