#pragma once
#include <cmath>
#include <cstdlib>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <vlt/base/config.hpp>
#include <vlt/base/error.hpp>
#include <vlt/io/json_line.hpp>
#include <vlt/io/json_scanner.hpp>

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
  double mfu = 0;                // share of the machine's peak, 0 if unknown
  Index memory = 0;              // resident bytes
  std::optional<double> filled;  // share of the micro-batches' budget of tokens that is used; none without a budget
  std::optional<double> token_accuracy;
  std::vector<std::pair<std::string, double>> loss_by_dataset;
  std::optional<double> loss_scale = {};  // of this step, in a precision that needs one
  Index skipped = 0;                      // steps so far, this one included, whose gradients were not finite
  Index received = 0;                     // bytes from other ranks, where these are processes
  bool operator==(const StepMetrics&) const;
};

// What one evaluation found.
struct EvalMetrics {
  Index step = 0;
  double epoch = 0;
  double eval_loss = 0;  // mean over the supervised tokens of the evaluation set
  std::optional<double> token_accuracy;
  bool operator==(const EvalMetrics&) const = default;
};

// What steps and evaluations of a run have found so far. An evaluation follows the step of its number.
struct MetricsHistory {
  std::vector<StepMetrics> steps;
  std::vector<EvalMetrics> evaluations;
  bool operator==(const MetricsHistory&) const = default;
};

// The first evaluation with the lowest loss; null if there is none.
inline const EvalMetrics* best_evaluation(const MetricsHistory& history) {
  const EvalMetrics* best = nullptr;
  for (const EvalMetrics& e : history.evaluations)
    if (!best || e.eval_loss < best->eval_loss) best = &e;
  return best;
}
// How many came after it without being better.
inline Index evaluations_since_best(const MetricsHistory& history) {
  const EvalMetrics* best = best_evaluation(history);
  return best ? Index(&history.evaluations.back() - best) : 0;
}

inline std::string metrics_line(const StepMetrics& m) {
  const auto optional = [](const std::optional<double>& x) { return x ? json_number(*x) : std::string("null"); };
  JsonLine line;
  line.add("step", m.step).add("epoch", m.epoch).add("loss", m.loss).add("grad_norm", m.grad_norm);
  line.raw("lr", optional(m.lr)).raw("lr_vision", optional(m.lr_vision)).raw("lr_language", optional(m.lr_language));
  line.add("tokens", m.tokens).add("supervised_tokens", m.supervised_tokens);
  line.add("tokens_per_s", m.tokens_per_s).add("images_per_s", m.images_per_s).add("mfu", m.mfu);
  line.add("memory", m.memory);
  if (m.loss_scale) line.add("loss_scale", *m.loss_scale).add("skipped", m.skipped);
  if (m.received > 0) line.add("received_bytes", m.received);
  if (m.filled) line.add("filled", *m.filled);
  if (m.token_accuracy) line.add("token_accuracy", *m.token_accuracy);
  if (!m.loss_by_dataset.empty()) {
    JsonLine sets;
    for (const auto& [name, loss] : m.loss_by_dataset) sets.add(name, loss);
    line.add("loss_by_dataset", sets);
  }
  return line.text();
}

// Equal if their lines are: what is not finite equals itself.
inline bool StepMetrics::operator==(const StepMetrics& other) const {
  return metrics_line(*this) == metrics_line(other);
}

inline std::string metrics_line(const EvalMetrics& m) {
  JsonLine line;
  line.add("step", m.step).add("epoch", m.epoch).add("eval_loss", m.eval_loss);
  if (m.token_accuracy) line.add("token_accuracy", *m.token_accuracy);
  return line.text();
}

// Calls f(line) for the lines of a history, in the order in which they came about. A long run has many: nobody should
// hold them all at once who need not.
template <class F> void for_each_metrics_line(const MetricsHistory& history, F&& f) {
  auto evaluation = history.evaluations.begin();
  const auto evaluations_before = [&](Index step) {
    for (; evaluation != history.evaluations.end() && evaluation->step < step; ++evaluation)
      f(metrics_line(*evaluation));
  };
  for (const StepMetrics& m : history.steps) {
    evaluations_before(m.step);
    f(metrics_line(m));
  }
  evaluations_before(std::numeric_limits<Index>::max());
}

namespace metrics {

// The members of a line: numbers as they are written (so that reading gives the same bits), NaN where one is null.
struct Line {
  std::map<std::string, double> numbers;
  std::vector<std::pair<std::string, double>> loss_by_dataset;

  bool has(const char* key) const { return numbers.count(key) > 0; }
  double real(const char* key) const { return has(key) ? numbers.at(key) : std::nan(""); }
  Index whole(const char* key) const { return has(key) ? static_cast<Index>(numbers.at(key)) : 0; }
  std::optional<double> optional(const char* key) const {
    return std::isfinite(real(key)) ? std::optional(real(key)) : std::nullopt;
  }
};

inline double number(JsonScanner& json) {
  if (json.kind() == JsonScanner::Kind::null) {
    json.skip();
    return std::nan("");
  }
  std::string text;
  json.number(text);
  return std::strtod(text.c_str(), nullptr);
}

inline Line line(JsonScanner& json) {
  Line out;
  json.object([&](const std::string& key) {
    if (key != "loss_by_dataset") {
      out.numbers[key] = number(json);
      return;
    }
    json.skip_blanks();
    json.object([&](const std::string& name) {
      std::string kept = name;
      out.loss_by_dataset.emplace_back(std::move(kept), number(json));
    });
  });
  return out;
}

// Appends the line that comes next.
inline void read_line(JsonScanner& json, MetricsHistory& history) {
  Line l = line(json);
  if (l.has("eval_loss")) {
    history.evaluations.push_back(
        {l.whole("step"), l.real("epoch"), l.real("eval_loss"), l.optional("token_accuracy")});
    return;
  }
  history.steps.push_back(
      {l.whole("step"), l.real("epoch"), l.real("loss"), l.real("grad_norm"), l.optional("lr"), l.optional("lr_vision"),
       l.optional("lr_language"), l.whole("tokens"), l.whole("supervised_tokens"), l.real("tokens_per_s"),
       l.real("images_per_s"), l.real("mfu"), l.whole("memory"), l.optional("filled"), l.optional("token_accuracy"),
       std::move(l.loss_by_dataset), l.optional("loss_scale"), l.whole("skipped"), l.whole("received_bytes")});
}

}  // namespace metrics

// Reads a metrics.jsonl; a line that is not JSON ends in DATA-JSON-..., as `name`:line:column.
inline MetricsHistory parse_metrics(std::string_view text, const std::string& name) {
  MetricsHistory history;
  JsonScanner json(text, name, 4);
  while (json.kind() != JsonScanner::Kind::end) metrics::read_line(json, history);
  return history;
}

}  // namespace vlt
