#include <vlt/report/progress.hpp>

#include <catch2/catch.hpp>
#include <sstream>

using namespace vlt;
using report::Progress;
using report::ProgressStyle;

namespace {

StepMetrics after(Index step) {
  StepMetrics m;
  m.step = step, m.epoch = 0.25, m.loss = 1.23456, m.lr = 1e-3, m.tokens_per_s = 12345, m.memory = 3 << 20;
  return m;
}
// What a terminal shows: a line that begins with a return is written over the one before.
std::vector<std::string> seen(const std::string& text) {
  std::vector<std::string> lines(1);
  std::size_t at = 0;
  for (const char c : text) {
    if (c == '\n') lines.emplace_back(), at = 0;
    else if (c == '\r') at = 0;
    else {
      if (at == lines.back().size()) lines.back() += ' ';
      lines.back()[at++] = c;
    }
  }
  for (std::string& line : lines) line.erase(line.find_last_not_of(' ') + 1);
  return lines;
}

}  // namespace

TEST_CASE("a step in a log is a line with everything that people ask for") {
  std::ostringstream out;
  Progress progress(out, ProgressStyle::lines, 40, 6);
  progress.step(after(10), 20, 10);
  CHECK(out.str() == "step 10/40  epoch 0.25/6  loss 1.2346  lr 1.00e-03  12.3 k tok/s  1:00 left  3.00 MiB\n");
  out.str({});
  StepMetrics m = after(10);
  m.lr = {}, m.lr_vision = 0.5;
  progress.step(m, 20, 0);
  CHECK_THAT(out.str(), Catch::Contains("lr 5.00e-01") && Catch::Contains("0:00 left"));
  m.lr_language = 0.25;
  progress.step(m, 9, 3);
  CHECK_THAT(out.str(), Catch::Contains("lr 2.50e-01") && Catch::Contains("1:30 left"));
  out.str({});
  progress.evaluation({10, 0.25, 2.5, {}}), progress.evaluation({20, 0.5, 2, 0.125}), progress.say("saved x");
  progress.finish();
  CHECK(out.str() ==
        "step 10  epoch 0.25  eval loss 2.5000\nstep 20  epoch 0.50  eval loss 2.0000  token accuracy 12.50 %\n"
        "saved x\n");
}

TEST_CASE("on a terminal a step is written over the one before, and what stays begins on its own line") {
  std::ostringstream out;
  Progress progress(out, ProgressStyle::terminal, 1000, 6);
  progress.step(after(999), 1e6, 1);
  progress.step(after(1000), 1, 1);
  CHECK(seen(out.str()) ==
        std::vector<std::string>{"step 1000/1000  epoch 0.25/6  loss 1.2346  lr 1.00e-03  12.3 k tok/s  0:00 left"});
  progress.say("saved x");
  progress.step(after(1), 1, 1);
  progress.finish(), progress.finish();
  progress.say("wrote y");
  const auto lines = seen(out.str());
  REQUIRE(lines.size() == 4);
  CHECK((lines[0] == "saved x" && lines[1].starts_with("step 1/1000 ") && lines[2] == "wrote y" && lines[3].empty()));
}

TEST_CASE("a line is shorter than its terminal is wide, and a short one leaves nothing of a long one") {
  std::ostringstream out;
  Progress progress(out, ProgressStyle::terminal, 40, 6, 20);
  progress.step(after(10), 20, 10);
  CHECK(out.str() == "\rstep 10/40  epoch 0");
  StepMetrics small = after(1);
  Progress wide(out, ProgressStyle::terminal, 40, 6, 200);
  out.str({});
  wide.step(after(10), 1e6, 10);
  wide.step(small, 0, 1);
  CHECK(seen(out.str()).back() ==
        "step 1/40  epoch 0.25/6  loss 1.2346  lr 1.00e-03  12.3 k tok/s  0:00 left  3.00 MiB");
}

TEST_CASE("a log of JSON has an object a line") {
  std::ostringstream out;
  Progress progress(out, ProgressStyle::json, 40, 6);
  progress.step(after(10), 20, 10);
  progress.evaluation({10, 0.25, 2.5, {}});
  progress.say("a \"note\"");
  progress.finish();
  CHECK(out.str() == metrics_line(after(10)) + "\n" + metrics_line(EvalMetrics{10, 0.25, 2.5, {}}) +
                         "\n{\"note\": \"a \\\"note\\\"\"}\n");
}

TEST_CASE("the style of progress is JSON where it was asked for, and lines where there is no terminal") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  CHECK(report::progress_style(true, ends[1]) == ProgressStyle::json);
  CHECK(report::progress_style(false, ends[1]) == ProgressStyle::lines);
  CHECK(report::terminal_width(ends[1]) == 80);
  ::close(ends[0]), ::close(ends[1]);
}
