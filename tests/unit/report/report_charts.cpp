#include <catch2/catch.hpp>
#include <unit/io/temporary_folder.hpp>
#include <vlt/report/report_charts.hpp>

using namespace vlt;
using Values = std::vector<double>;

namespace {

report::ChartSeries series(Values y) {
  report::ChartSeries s{"s", 2, report::ChartSeries::Style::line, {}, std::move(y)};
  for (std::size_t i = 0; i < s.y.size(); ++i) s.x.push_back(double(i + 1));
  return s;
}
std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + part.size())) ++n;
  return n;
}

}  // namespace

TEST_CASE("a smoothed value is the mean of those within reach that are finite") {
  const report::ChartSeries s = report::report_parts::smoothed(series({1, 2, 6, NAN, 10, 20}), 1);
  CHECK(s.y == Values{1.5, 3, 4, 8, 15, 15});
  CHECK(s.x == Values{1, 2, 3, 4, 5, 6});
  CHECK(s.name == "s");
  CHECK(s.colour == 2);
  CHECK(report::report_parts::smoothed(series({1, 2, 6}), 0).y == Values{1, 2, 6});
  CHECK(report::report_parts::smoothed(series({1, 2, 6}), 99).y == Values{3, 3, 3});
  CHECK(std::isnan(report::report_parts::smoothed(series({1, NAN, INFINITY, -INFINITY, NAN, 2}), 1).y[3]));
}

TEST_CASE("a long series keeps the lowest and the highest of neighbours") {
  Values y(600);
  for (std::size_t i = 0; i < y.size(); ++i) y[i] = double(i % 7);
  CHECK(report::report_parts::thinned(series(y)).y == y);
  CHECK(report::report_parts::thinned(series(Values(600, 1.0))).x.size() == 600);  // few enough to stay as they are
  y.resize(901, 3);
  y[0] = -1, y[1] = 9, y[2] = 4;         // the first three are one group
  y[898] = 5, y[899] = 11, y[900] = -7;  // the last four are one
  const report::ChartSeries s = report::report_parts::thinned(series(y));
  CHECK(s.x.size() <= 600);
  CHECK(s.x.size() > 300);
  CHECK((s.name == "s" && s.colour == 2 && s.style == report::ChartSeries::Style::line));
  CHECK(Values(s.y.begin(), s.y.begin() + 2) == Values{-1, 9});
  CHECK(Values(s.x.begin(), s.x.begin() + 2) == Values{1, 2});
  CHECK(Values(s.y.end() - 2, s.y.end()) == Values{11, -7});
  CHECK(s.x.back() == 901);
  CHECK(std::is_sorted(s.x.begin(), s.x.end()));
  CHECK(std::adjacent_find(s.x.begin(), s.x.end()) == s.x.end());
  CHECK(report::report_parts::thinned(series(Values(601, 1.0))).x.size() == 300);  // level: one place a group
}

TEST_CASE("peaks are cut where that shows the rest") {
  Values y(100, 2.0);
  y[3] = 50;
  CHECK(report::report_parts::peaks_from(series(y)) == 2.5);
  y[50] = NAN;
  CHECK(report::report_parts::peaks_from(series(y)) == 2.5);
  y.assign(100, 2.0), y[3] = 4;
  CHECK(std::isinf(report::report_parts::peaks_from(series(y))));  // not much higher than the rest
  y.assign(50, 2.0), y[3] = 50;
  CHECK(std::isinf(report::report_parts::peaks_from(series(y))));  // too few
  y.resize(51, 2.0);
  CHECK(report::report_parts::peaks_from(series(y)) == 2.5);
  y.assign(100, 1000.0);
  for (std::size_t i = 1; i < y.size(); ++i) y[i] = double(i);
  CHECK(report::report_parts::peaks_from(series(y)) == 1.25 * 99);  // 98 of 100 are lower
  y.assign(100, 48.0), y[3] = 100;
  CHECK(std::isinf(report::report_parts::peaks_from(series(y))));  // 60 is no less than 0.6 of the highest
  y.assign(100, 2.0), y[3] = y[4] = y[5] = 50;
  CHECK(std::isinf(report::report_parts::peaks_from(series(y))));  // too many to be peaks
  CHECK(report::report_parts::peaks_from(series({})) == INFINITY);
}

TEST_CASE("a jumping value is shown by its mean, and faintly itself") {
  Values y(100);
  for (std::size_t i = 0; i < y.size(); ++i) y[i] = i % 2 ? 3 : 1;
  const report::Chart chart = report::report_parts::noisy_chart("Norm", "unit", series(y));
  REQUIRE(chart.series.size() == 2);
  CHECK(chart.series[0].y[50] == Approx(1.8));  // two neighbours on both sides: 1 3 1 3 1
  CHECK(chart.series[1].y == y);
  CHECK(chart.series[1].style == report::ChartSeries::Style::faint);
  CHECK(chart.series[1].name.empty());
  CHECK(chart.y_label == "unit");
  y[8] = 500;
  CHECK(report::report_parts::noisy_chart("Norm", "unit", series(y)).y_label == "unit (peaks are cut)");
  y.resize(49);
  CHECK(report::report_parts::noisy_chart("Norm", "unit", series(y)).series.size() == 1);  // too few steps to smooth
}

TEST_CASE("evaluations are points while they are few") {
  MetricsHistory m;
  for (Index i = 1; i <= 60; ++i) m.evaluations.push_back({i, 0, 1.0 / double(i), {}});
  const report::ChartSeries few = report::report_parts::evaluations(m, "evaluation", 1);
  CHECK(few.style == report::ChartSeries::Style::points);
  CHECK(few.y[3] == 0.25);
  CHECK(few.x[3] == 4);
  m.evaluations.push_back({61, 0, 1, {}});
  CHECK(report::report_parts::evaluations(m, "evaluation", 1).style == report::ChartSeries::Style::line);
}

TEST_CASE("components with one rate share a line; those that do not train have none") {
  MetricsHistory m;
  CHECK(report::line_chart(report::report_parts::rates_chart(m)).empty());
  for (Index s = 1; s <= 3; ++s) {
    StepMetrics step;
    step.step = s, step.lr = 1e-3 * double(s), step.lr_language = 1e-3 * double(s);
    m.steps.push_back(step);
  }
  const std::string shared = report::line_chart(report::report_parts::rates_chart(m));
  CHECK(count(shared, "<span class=\"key c0\">projector, language</span>") == 1);
  CHECK(count(shared, "class=\"key") == 1);
  for (StepMetrics& s : m.steps) s.lr_vision = 5e-4;
  const std::string two = report::line_chart(report::report_parts::rates_chart(m));
  CHECK(count(two, "class=\"key") == 2);
  CHECK(count(two, "<span class=\"key c1\">vision</span>") == 1);
  for (StepMetrics& s : m.steps) s.lr.reset(), s.lr_language.reset(), s.lr_vision.reset();
  CHECK(report::line_chart(report::report_parts::rates_chart(m)).empty());
}

TEST_CASE("losses are told apart by data set where there are several") {
  MetricsHistory m;
  for (Index s = 1; s <= 4; ++s) {
    StepMetrics step;
    step.step = s;
    step.loss_by_dataset = {{"a.json", 2.0}};
    if (s > 2) step.loss_by_dataset.push_back({"b.json", 1.0});
    m.steps.push_back(step);
  }
  const std::string two = report::line_chart(report::report_parts::datasets_chart(m));
  CHECK(count(two, "<span class=\"key c0\">a.json</span><span class=\"key c1\">b.json</span>") == 1);
  CHECK(count(two, "step 3\na.json 2\nb.json 1<") == 1);
  CHECK(count(two, "step 2\na.json 2<") == 1);
  for (StepMetrics& s : m.steps) s.loss_by_dataset.resize(1);
  CHECK(report::line_chart(report::report_parts::datasets_chart(m)).empty());
}

TEST_CASE("the losses of many data sets are smoothed, and share four colours") {
  MetricsHistory m;
  for (Index s = 1; s <= 100; ++s) {
    StepMetrics step;
    step.step = s;
    for (const char* name : {"a", "b", "c", "d", "e"}) step.loss_by_dataset.push_back({name, s % 2 ? 3.0 : 1.0});
    m.steps.push_back(step);
  }
  const report::Chart chart = report::report_parts::datasets_chart(m);
  REQUIRE(chart.series.size() == 5);
  for (int i = 0; i < 5; ++i) CHECK(chart.series[std::size_t(i)].colour == i % 4);
  CHECK(chart.series[4].y[50] == Approx(2.2));  // two neighbours on both sides: 3 1 3 1 3
  CHECK(chart.series[4].x[50] == 51);
}

TEST_CASE("a run's charts are those that have something to show") {
  MetricsHistory m;
  CHECK(report::report_parts::charts(m).empty());
  for (Index s = 1; s <= 3; ++s) {
    StepMetrics step;
    step.step = s, step.loss = 4.0 / double(s), step.grad_norm = 1, step.tokens_per_s = 1000, step.lr = 1e-3;
    m.steps.push_back(step);
  }
  const std::string four = report::report_parts::charts(m);
  CHECK(four.find("<div class=\"charts\"><figure class=\"card wide\">") == 0);
  CHECK(count(four, "viewBox=\"0 0 1080 300\"") == 1);
  CHECK(count(four, "<figure") == 4);
  CHECK(count(four, "Evaluation loss") == 0);
  m.evaluations.push_back({2, 0, 2.5, {}});
  for (StepMetrics& s : m.steps) s.token_accuracy = 0.5;
  const std::string six = report::report_parts::charts(m);
  CHECK(count(six, "<figure") == 6);
  for (const char* title :
       {"Loss", "Evaluation loss", "Learning rate", "Gradient norm", "Throughput", "Token accuracy"})
    CHECK(count(six, "<figcaption>" + std::string(title)) == 1);
  for (StepMetrics& s : m.steps) s.loss_scale = 65536;
  const std::string scaled = report::report_parts::charts(m);
  CHECK(count(scaled, "<figure") == 7);
  CHECK(count(scaled, "<figcaption>Loss scale") == 1);
  CHECK(count(six, "<circle class=\"c1\"") == 2);  // the evaluation in two charts
  std::string colours;                             // of the curves, chart by chart
  for (std::size_t at = six.find("<path class=\"c"); at != six.npos; at = six.find("<path class=\"c", at + 1))
    colours += six[at + 14];
  CHECK(colours == "0110322");
}

TEST_CASE("every chart marks where a run was taken up again") {
  MetricsHistory m;
  for (Index s = 1; s <= 10; ++s) {
    StepMetrics step;
    step.step = s, step.loss = 4.0 / double(s), step.grad_norm = 1, step.tokens_per_s = 1000, step.lr = 1e-3;
    m.steps.push_back(step);
  }
  const std::string plain = report::report_parts::charts(m), marked = report::report_parts::charts(m, {1, 4, 99});
  CHECK(count(plain, "mark") == 0);
  CHECK(count(marked, "<line class=\"mark\"") == 2 * count(marked, "<figure"));  // the third lies outside
  CHECK(count(marked, "<span class=\"key mark\">taken up again</span>") == count(marked, "<figure"));
}
