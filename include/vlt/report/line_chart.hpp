#pragma once
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>
#include <vlt/report/figures.hpp>
#include <vlt/report/html.hpp>

namespace vlt::report {

// One line of a chart. x ascends; a y that is not finite is a gap.
struct ChartSeries {
  enum class Style { line, faint, points };
  std::string name;  // for the legend; empty: not listed
  int colour = 0;    // 0 to 3: class c0 to c3 of the page's style
  Style style = Style::line;
  std::vector<double> x, y;
};

struct Chart {
  std::string title, x_label, y_label;
  std::vector<ChartSeries> series;
  std::vector<double> marks = {};  // places on the x axis where something happened
  std::string mark_name = {};      // what, for the legend
  double highest = INFINITY;       // what lies above is drawn at the upper edge
  bool wide = false;               // over two columns of the page
  int width = 520, height = 250;   // in the units of the SVG
};

namespace line_chart_parts {

// Round places that cover [low, high], about `wanted` of them, at least `least` apart.
inline std::vector<double> ticks(double low, double high, int wanted, double least = 0) {
  const double rough = (high - low) / wanted, power = std::pow(10.0, std::floor(std::log10(rough)));
  const double of_ten = rough / power;
  const double step = std::max(least, power * (of_ten < 1.5 ? 1 : of_ten < 3.5 ? 2 : of_ten < 7.5 ? 5 : 10));
  std::vector<double> out;
  const auto first = static_cast<long long>(std::ceil(low / step - 1e-9));  // whole numbers: there is no -0
  for (long long k = first; double(k) * step <= high + 1e-9 * step; ++k) out.push_back(double(k) * step);
  return out;
}

struct Range {
  double low = INFINITY, high = -INFINITY;
  void add(double v) {
    if (std::isfinite(v)) low = std::min(low, v), high = std::max(high, v);
  }
  bool empty() const { return low > high; }
};

// Maps values to places in the SVG.
class Frame {
 public:
  Frame(const Chart& chart, Range x, Range y) : chart_(chart), x_(x), y_(y) {
    if (x_.low == x_.high) x_.low -= 0.5, x_.high += 0.5;
    // A nearly level line keeps to the middle, and nothing positive gets an axis below zero.
    const double least = y_.high == 0 ? 1 : std::fabs(y_.high) * 0.02;
    const double margin = std::max((y_.high - y_.low) * 0.06, y_.high - y_.low < least ? least : 0.0);
    const bool positive = y_.low >= 0;
    y_.low = positive ? std::max(0.0, y_.low - margin) : y_.low - margin;
    y_.high += margin;
  }
  double x(double v) const { return left + (v - x_.low) / (x_.high - x_.low) * (right() - left); }
  double y(double v) const {
    return bottom() - (std::min(v, y_.high) - y_.low) / (y_.high - y_.low) * (bottom() - top);
  }
  const Range& x_range() const { return x_; }
  const Range& y_range() const { return y_; }
  double right() const { return chart_.width - 22.0; }
  double bottom() const { return chart_.height - 38.0; }
  static constexpr double left = 56, top = 26;

 private:
  const Chart& chart_;
  Range x_, y_;
};

inline std::string number(double v) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", v);
  return text;
}
inline std::string label(double x, double y, const char* anchor, const std::string& text) {
  return "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" text-anchor=\"" + anchor + "\">" + html_text(text) +
         "</text>";
}
inline std::string segment(double x0, double y0, double x1, double y1, const char* kind) {
  return std::string("<line class=\"") + kind + "\" x1=\"" + number(x0) + "\" y1=\"" + number(y0) + "\" x2=\"" +
         number(x1) + "\" y2=\"" + number(y1) + "\"/>";
}

inline std::string axes(const Chart& chart, const Frame& f) {
  std::string out;
  for (const double t : ticks(f.y_range().low, f.y_range().high, 5)) {
    out += segment(Frame::left, f.y(t), f.right(), f.y(t), "grid");
    out += label(Frame::left - 8, f.y(t) + 4, "end", shown_value(t));
  }
  for (const double t : ticks(f.x_range().low, f.x_range().high, 6, 1)) {
    out += segment(f.x(t), f.bottom(), f.x(t), f.bottom() + 4, "axis");
    out += label(f.x(t), f.bottom() + 17, "middle", shown_value(t));
  }
  out += segment(Frame::left, f.bottom(), f.right(), f.bottom(), "axis");
  out += label((Frame::left + f.right()) / 2, chart.height - 4.0, "middle", chart.x_label);
  return out + label(Frame::left - 8, Frame::top - 12, "start", chart.y_label);
}

inline std::string drawn(const ChartSeries& s, const Frame& f) {
  const std::string colour = "c" + std::to_string(s.colour);
  std::string out, path;
  const bool dots = s.style == ChartSeries::Style::points || s.x.size() == 1;
  for (std::size_t i = 0; i < s.x.size(); ++i) {
    if (!std::isfinite(s.y[i])) {
      path += ' ';
      continue;
    }
    const std::string x = number(f.x(s.x[i])), y = number(f.y(s.y[i]));
    if (dots) out += "<circle class=\"" + colour + "\" cx=\"" + x + "\" cy=\"" + y + "\" r=\"3\"/>";
    path += (path.empty() || path.back() == ' ' ? "M" : "L") + x + " " + y;
  }
  const char* kind = s.style == ChartSeries::Style::faint ? " faint" : "";
  return "<path class=\"" + colour + kind + "\" d=\"" + path + "\"/>" + out;
}

inline std::string marks(const Chart& chart, const Frame& f) {
  std::string out;
  for (const double x : chart.marks)
    if (x >= f.x_range().low && x <= f.x_range().high) out += segment(f.x(x), Frame::top, f.x(x), f.bottom(), "mark");
  return out;
}

// Strips that say their values when the pointer rests on them.
inline std::string tips(const Chart& chart, const Frame& f) {
  const auto& x = chart.series.front().x;
  const std::size_t strips = std::min<std::size_t>(120, x.size());
  std::string out;
  for (std::size_t k = 0; k < strips; ++k) {
    const std::size_t i = x.size() * (2 * k + 1) / (2 * strips);
    std::string text = chart.x_label + " " + shown_value(x[i]);
    for (const auto& s : chart.series) {
      const auto at = std::lower_bound(s.x.begin(), s.x.end(), x[i]);
      if (at != s.x.end() && *at == x[i])
        text += "\n" + (s.name.empty() ? chart.title : s.name) + " " + shown_value(s.y[std::size_t(at - s.x.begin())]);
    }
    const double wide = (f.right() - Frame::left) / double(strips);
    out += "<rect class=\"tip\" x=\"" + number(f.x(x[i]) - wide / 2) + "\" y=\"" + number(Frame::top) + "\" width=\"" +
           number(wide) + "\" height=\"" + number(f.bottom() - Frame::top) + "\"><title>" + html_text(text) +
           "</title></rect>";
  }
  return out;
}

}  // namespace line_chart_parts

// A chart as inline SVG with axes, labels and legend; its colours come from the page. Empty if there is nothing to
// draw.
inline std::string line_chart(const Chart& chart) {
  namespace parts = line_chart_parts;
  parts::Range x, y;
  std::string legend;
  for (const auto& s : chart.series) {
    for (std::size_t i = 0; i < s.x.size(); ++i)
      if (std::isfinite(s.y[i])) x.add(s.x[i]), y.add(std::min(s.y[i], chart.highest));
    if (!s.name.empty() && !s.x.empty())
      legend += "<span class=\"key c" + std::to_string(s.colour) + "\">" + html_text(s.name) + "</span>";
  }
  if (y.empty()) return {};
  if (!chart.marks.empty()) legend += "<span class=\"key mark\">" + html_text(chart.mark_name) + "</span>";
  const parts::Frame frame(chart, x, y);
  std::string svg = parts::axes(chart, frame) + parts::marks(chart, frame);
  for (const auto& s : chart.series) svg += parts::drawn(s, frame);
  svg += parts::tips(chart, frame);
  const std::string size = std::to_string(chart.width) + " " + std::to_string(chart.height);
  return html_element(
      "figure", chart.wide ? "class=\"card wide\"" : "class=\"card\"",
      html_element("figcaption", "", html_text(chart.title) + legend) +
          html_element("svg", "viewBox=\"0 0 " + size + "\" role=\"img\" aria-label=\"" + html_text(chart.title) + "\"",
                       svg));
}

}  // namespace vlt::report
