#pragma once
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>
#include <vlt/train/line_chart.hpp>
#include <vlt/train/report_data.hpp>

namespace vlt {
namespace report {

using Style = ChartSeries::Style;

// A value of every step against the step's number.
template <class Value> ChartSeries steps(const MetricsHistory& m, std::string name, int colour, Value value) {
  ChartSeries s{std::move(name), colour, Style::line, {}, {}};
  for (const StepMetrics& step : m.steps) {
    s.x.push_back(double(step.step));
    s.y.push_back(value(step));
  }
  return s;
}

// The exponential mean with this many steps of memory, unbiased at the beginning (Adam's correction).
inline ChartSeries smoothed(ChartSeries s, double memory) {
  const double keep = 1 - 1 / std::max(1.0, memory);
  double mean = 0, weight = 0;
  for (double& y : s.y) {
    if (!std::isfinite(y)) continue;
    mean = keep * mean + (1 - keep) * y, weight = keep * weight + (1 - keep);
    y = mean / weight;
  }
  return s;
}

// At most about 600 places; of every group of neighbours the lowest and the highest stay.
inline ChartSeries thinned(const ChartSeries& s) {
  constexpr std::size_t most = 300;
  if (s.x.size() <= 2 * most) return s;
  ChartSeries out{s.name, s.colour, s.style, {}, {}};
  for (std::size_t g = 0; g < most; ++g) {
    const std::size_t begin = s.x.size() * g / most, end = s.x.size() * (g + 1) / most;
    std::size_t low = begin, high = begin;
    for (std::size_t i = begin; i < end; ++i) {
      if (s.y[i] < s.y[low]) low = i;
      if (s.y[i] > s.y[high]) high = i;
    }
    for (const std::size_t i : {std::min(low, high), std::max(low, high)}) {
      if (!out.x.empty() && out.x.back() == s.x[i]) continue;
      out.x.push_back(s.x[i]), out.y.push_back(s.y[i]);
    }
  }
  return out;
}

inline std::string noisy_chart(const std::string& title, const std::string& unit, ChartSeries raw,
                               std::vector<ChartSeries> more = {}) {
  ChartSeries faint = thinned(raw);
  const bool smooth = raw.x.size() >= 20;
  const double memory = smooth ? double(raw.x.size()) / 20 : 1;
  ChartSeries clear = thinned(smoothed(std::move(raw), memory));
  faint.style = Style::faint;
  faint.name.clear();
  Chart chart{title, "step", unit, {std::move(clear)}};
  if (smooth) chart.series.push_back(std::move(faint));
  for (auto& s : more) chart.series.push_back(std::move(s));
  return line_chart(chart);
}

inline ChartSeries evaluations(const MetricsHistory& m, std::string name, int colour) {
  ChartSeries s{std::move(name), colour, Style::points, {}, {}};
  for (const EvalMetrics& e : m.evaluations) s.x.push_back(double(e.step)), s.y.push_back(e.eval_loss);
  return s;
}

inline std::string rates_chart(const MetricsHistory& m) {
  Chart chart{"Learning rate", "step", "rate", {}};
  const std::pair<const char*, std::optional<double> StepMetrics::*> rates[] = {
      {"projector", &StepMetrics::lr}, {"language", &StepMetrics::lr_language}, {"vision", &StepMetrics::lr_vision}};
  int colour = 0;
  for (const auto& [name, rate] : rates) {
    ChartSeries s =
        thinned(steps(m, name, colour++, [&, r = rate](const StepMetrics& step) { return (step.*r).value_or(NAN); }));
    if (std::any_of(s.y.begin(), s.y.end(), [](double y) { return std::isfinite(y); })) chart.series.push_back(s);
  }
  return chart.series.empty() ? std::string() : line_chart(chart);
}

inline std::string datasets_chart(const MetricsHistory& m) {
  Chart chart{"Loss by data set", "step", "per token", {}};
  for (const StepMetrics& step : m.steps)
    for (const auto& [name, loss] : step.loss_by_dataset) {
      auto at = std::find_if(chart.series.begin(), chart.series.end(), [&, n = name](auto& s) { return s.name == n; });
      if (at == chart.series.end()) {
        chart.series.push_back({name, int(chart.series.size() % 4), Style::line, {}, {}});
        at = chart.series.end() - 1;
      }
      at->x.push_back(double(step.step)), at->y.push_back(loss);
    }
  if (chart.series.size() < 2) return {};
  for (auto& s : chart.series) s = thinned(smoothed(std::move(s), double(s.x.size()) / 20));
  return line_chart(chart);
}

// All charts of a run; empty before its first step.
inline std::string charts(const MetricsHistory& m) {
  if (m.steps.empty()) return {};
  std::string out = noisy_chart("Loss", "per supervised token", steps(m, "training", 0, [](auto& s) { return s.loss; }),
                                {evaluations(m, "evaluation", 1)});
  if (!m.evaluations.empty())
    out += line_chart({"Evaluation loss", "step", "per supervised token", {evaluations(m, "", 1)}});
  out += rates_chart(m);
  out += noisy_chart("Gradient norm", "before clipping", steps(m, "", 3, [](auto& s) { return s.grad_norm; }));
  out += noisy_chart("Throughput", "tokens per second", steps(m, "", 2, [](auto& s) { return s.tokens_per_s; }));
  if (std::any_of(m.steps.begin(), m.steps.end(), [](auto& s) { return s.token_accuracy.has_value(); }))
    out += noisy_chart("Token accuracy", "share of supervised tokens",
                       steps(m, "", 2, [](auto& s) { return s.token_accuracy.value_or(NAN); }));
  out += datasets_chart(m);
  return html_element("div", "class=\"charts\"", out);
}

}  // namespace report
}  // namespace vlt
