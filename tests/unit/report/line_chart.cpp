// A chart to the character. VLT_WRITE_GOLDEN=1 writes tests/golden/report/chart.html anew: look at it in a browser.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <unit/io/temporary_folder.hpp>
#include <vlt/report/line_chart.hpp>

using namespace vlt;
namespace parts = vlt::report::line_chart_parts;

TEST_CASE("axes have round places") {
  using Places = std::vector<double>;
  const auto ticks = [](double low, double high, int wanted, double least = 0) {
    Places places = parts::ticks(low, high, wanted, least);
    for (double& p : places) p = std::round(p * 1e9) / 1e9;
    return places;
  };
  CHECK(ticks(0, 1, 5) == Places{0, 0.2, 0.4, 0.6, 0.8, 1});
  CHECK(ticks(0, 7, 5) == Places{0, 1, 2, 3, 4, 5, 6, 7});
  CHECK(ticks(0, 7.5, 5) == Places{0, 2, 4, 6});
  CHECK(ticks(0, 17.4, 5) == Places{0, 2, 4, 6, 8, 10, 12, 14, 16});
  CHECK(ticks(0, 17.5, 5) == Places{0, 5, 10, 15});
  CHECK(ticks(0, 37.5, 5) == Places{0, 10, 20, 30});
  CHECK(ticks(-0.3, 0.31, 5) == Places{-0.3, -0.2, -0.1, 0, 0.1, 0.2, 0.3});
  CHECK(ticks(1, 3, 6, 1) == Places{1, 2, 3});
  CHECK(ticks(0.001, 0.002, 4) == Places{0.001, 0.0012, 0.0014, 0.0016, 0.0018, 0.002});
}

TEST_CASE("a frame keeps level lines in the middle and positive values above zero") {
  report::Chart chart;
  const auto range = [&](double low, double high) { return parts::Frame(chart, {0, 1}, {low, high}).y_range(); };
  CHECK(range(1, 2).low == Approx(0.94));
  CHECK(range(1, 2).high == Approx(2.06));
  CHECK(range(0, 2).low == 0);
  CHECK(range(0.01, 2).low == 0);
  CHECK(range(-1, 2).low == Approx(-1.18));
  CHECK(range(5, 5).low == Approx(4.9));
  CHECK(range(5, 5).high == Approx(5.1));
  CHECK(range(4.95, 5).low == Approx(4.85));
  CHECK(range(0, 0).high == 1);
  CHECK(range(-7, -7).low == Approx(-7.14));
  const parts::Frame one(chart, {3, 3}, {0, 1});
  CHECK(one.x_range().low == 2.5);
  CHECK(one.x_range().high == 3.5);
  CHECK(one.x(3) == Approx((parts::Frame::left + one.right()) / 2));
  CHECK(one.y(one.y_range().low) == one.bottom());
  CHECK(one.y(one.y_range().high) == Approx(parts::Frame::top));
  CHECK(one.y(99) == Approx(parts::Frame::top));  // cut at the upper edge
}

TEST_CASE("a chart is drawn as before", "[golden]") {
  report::Chart chart{"Loss <1>", "step", "per token", {}};
  report::ChartSeries line{"training", 0, report::ChartSeries::Style::line, {}, {}};
  for (int i = 0; i < 7; ++i) line.x.push_back(10 + 5 * i), line.y.push_back(i == 3 ? NAN : 3.0 / (i + 1));
  report::ChartSeries points{"evaluation & more", 1, report::ChartSeries::Style::points, {20, 40}, {1.5, 0.5}};
  report::ChartSeries faint{"", 2, report::ChartSeries::Style::faint, {10, 15, 20, 25}, {2.5, 9, 1, 0.75}};
  report::ChartSeries alone{"alone", 3, report::ChartSeries::Style::line, {40}, {2}};
  chart.series = {line, points, faint, alone};
  chart.highest = 4;
  const std::string drawn = report::line_chart(chart) + "\n";
  chart.wide = true, chart.width = 1080, chart.height = 300;
  for (int i = 7; i < 130; ++i)
    chart.series[0].x.push_back(10 + 5 * i), chart.series[0].y.push_back(1);  // over 120 tips
  const std::string page = drawn + report::line_chart(chart) + "\n";
  const std::string file = std::string(VLT_TEST_DIR) + "/golden/report/chart.html";
  if (std::getenv("VLT_WRITE_GOLDEN")) std::ofstream(file, std::ios::binary) << page;
  CHECK((page == test::read_text(file)));
}

TEST_CASE("nothing to draw is no chart") {
  CHECK(report::line_chart({"Loss", "step", "", {}}).empty());
  CHECK(report::line_chart({"Loss", "step", "", {{"a", 0, report::ChartSeries::Style::line, {1, 2}, {NAN, INFINITY}}}})
            .empty());
  CHECK_FALSE(
      report::line_chart({"Loss", "step", "", {{"a", 0, report::ChartSeries::Style::line, {1, 2}, {NAN, 0}}}}).empty());
}
