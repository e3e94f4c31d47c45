#pragma once
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>
#include <vlt/report/line_chart.hpp>
#include <vlt/report/report_data.hpp>

namespace vlt::report {
namespace report_parts {

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

// The mean over the neighbours within `reach` steps on both sides; what is not finite does not count.
inline ChartSeries smoothed(const ChartSeries& s, std::size_t reach) {
  std::vector<double> sums(1), counts(1);  // of everything before
  for (const double y : s.y) {
    sums.push_back(sums.back() + (std::isfinite(y) ? y : 0));
    counts.push_back(counts.back() + (std::isfinite(y) ? 1 : 0));
  }
  ChartSeries out = s;
  for (std::size_t i = 0; i < s.y.size(); ++i) {
    const std::size_t begin = i - std::min(reach, i), end = std::min(s.y.size(), i + reach + 1);
    out.y[i] = (sums[end] - sums[begin]) / (counts[end] - counts[begin]);  // of none: 0 / 0, which is not a number
  }
  return out;
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

// Where to cut a chart so that a few peaks do not flatten the rest; infinite if nothing is gained, as of 50 values and
// fewer, of which 98 % leave out none.
inline double peaks_from(const ChartSeries& s) {
  std::vector<double> y;
  for (const double v : s.y)
    if (std::isfinite(v)) y.push_back(v);
  if (y.empty()) return INFINITY;
  std::sort(y.begin(), y.end());
  const double most = 1.25 * y[y.size() * 98 / 100];
  return most < 0.6 * y.back() ? most : INFINITY;
}

// A value that jumps from step to step: its mean over neighbours, and faintly itself.
inline Chart noisy_chart(const std::string& title, const std::string& unit, const ChartSeries& raw) {
  const std::size_t reach = raw.x.size() / 50;
  Chart chart{title, "step", unit, {thinned(smoothed(raw, reach))}};
  chart.highest = peaks_from(raw);
  if (std::isfinite(chart.highest)) chart.y_label += " (peaks are cut)";
  if (reach == 0) return chart;
  ChartSeries faint = thinned(raw);
  faint.style = Style::faint;
  faint.name.clear();
  chart.series.push_back(std::move(faint));
  return chart;
}

inline ChartSeries evaluations(const MetricsHistory& m, std::string name, int colour) {
  ChartSeries s{std::move(name), colour, Style::points, {}, {}};
  for (const EvalMetrics& e : m.evaluations) s.x.push_back(double(e.step)), s.y.push_back(e.eval_loss);
  if (s.x.size() > 60) s.style = Style::line;
  return thinned(s);
}

// The rates of the components that train; components with the same rate share a line.
inline Chart rates_chart(const MetricsHistory& m) {
  Chart chart{"Learning rate", "step", "rate", {}};
  const std::pair<const char*, std::optional<double> StepMetrics::*> rates[] = {
      {"projector", &StepMetrics::lr}, {"language", &StepMetrics::lr_language}, {"vision", &StepMetrics::lr_vision}};
  for (const auto& [name, rate] : rates) {
    const auto value = [r = rate](const StepMetrics& step) { return (step.*r).value_or(NAN); };
    ChartSeries s = steps(m, name, int(chart.series.size()), value);
    if (std::none_of(s.y.begin(), s.y.end(), [](double y) { return std::isfinite(y); })) continue;
    const auto same = std::find_if(chart.series.begin(), chart.series.end(), [&](auto& o) { return o.y == s.y; });
    if (same == chart.series.end()) chart.series.push_back(std::move(s));
    else same->name += ", " + s.name;
  }
  for (auto& s : chart.series) s = thinned(s);
  return chart;
}

inline Chart datasets_chart(const MetricsHistory& m) {
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
  for (auto& s : chart.series) s = thinned(smoothed(s, s.x.size() / 50));
  return chart;
}

inline Chart loss_chart(const MetricsHistory& m) {
  Chart chart = noisy_chart("Loss", "per supervised token", steps(m, "training", 0, [](auto& s) { return s.loss; }));
  chart.series.push_back(evaluations(m, "evaluation", 1));
  chart.wide = true, chart.width = 1080, chart.height = 300;
  return chart;
}

// All charts of a run, with marks where it was taken up again; empty before its first step.
inline std::string charts(const MetricsHistory& m, const std::vector<Index>& taken_up_after = {}) {
  if (m.steps.empty()) return {};
  const auto drawn = [&](Chart chart) {
    chart.marks.assign(taken_up_after.begin(), taken_up_after.end()), chart.mark_name = "taken up again";
    return line_chart(chart);
  };
  const auto noisy = [&](const char* title, const char* unit, int colour, auto value) {
    return drawn(noisy_chart(title, unit, steps(m, "", colour, value)));
  };
  std::string out = drawn(loss_chart(m));
  out += drawn({"Evaluation loss", "step", "per supervised token", {evaluations(m, "", 1)}});
  out += drawn(rates_chart(m));
  out += noisy("Gradient norm", "before clipping", 3, [](auto& s) { return s.grad_norm; });
  out += noisy("Throughput", "tokens per second", 2, [](auto& s) { return s.tokens_per_s; });
  out +=
      noisy("Token accuracy", "share of supervised tokens", 2, [](auto& s) { return s.token_accuracy.value_or(NAN); });
  out += drawn(datasets_chart(m));
  const auto scale = [](auto& s) { return s.loss_scale.value_or(NAN); };
  out += drawn({"Loss scale", "step", "of fp16 gradients", {thinned(steps(m, "", 1, scale))}});
  return html_element("div", "class=\"charts\"", out);
}

}  // namespace report_parts
}  // namespace vlt::report
