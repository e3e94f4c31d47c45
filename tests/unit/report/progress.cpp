#include <fcntl.h>
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

StepMetrics some_step() {
  StepMetrics m;
  m.step = 12, m.epoch = 0.5, m.loss = 1.0 / 3, m.grad_norm = 2.5, m.lr = 1e-3, m.lr_language = 2e-5;
  m.tokens_per_s = 12345.678, m.memory = 1000;
  return m;
}
const std::string whole = "step 12/100  epoch 0.50/6  loss 0.3333  lr 1.00e-03  12.3 k tok/s  2:56 left  1000 B";

// What is said of a step in a log.
std::string logged(const StepMetrics& m, double seconds, Index done) {
  std::ostringstream out;
  Progress(out, ProgressStyle::lines, 100, 6).step(m, seconds, done);
  return out.str();
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

TEST_CASE("progress on a terminal rewrites one line", "[pages]") {
  std::ostringstream out;
  Progress progress(out, ProgressStyle::terminal, 100, 6);
  const auto said = [&] {
    const std::string text = out.str();
    out.str("");
    return text;
  };
  progress.finish();
  CHECK(said().empty());
  progress.step(some_step(), 24, 12);
  CHECK(said() == "\r" + whole.substr(0, 79));
  progress.say("saved epoch-0");
  CHECK(said() == "\r" + std::string(79, ' ') + "\rsaved epoch-0\n");
  progress.say("wrote it");
  CHECK(said() == "wrote it\n");
  progress.step(some_step(), 24, 12);
  said();
  progress.evaluation({12, 0.5, 0.75, {}});
  CHECK(said() == "\r" + std::string(79, ' ') + "\rstep 12  epoch 0.50  eval loss 0.7500\n");
  progress.step(some_step(), 24, 12);
  said();
  progress.finish();
  CHECK(said() == "\n");
  progress.finish();
  progress.say("over");
  CHECK(said() == "over\n");
}

TEST_CASE("a line on a terminal is narrower than the terminal, and covers the one before", "[pages]") {
  const auto shown = [](std::size_t width) {
    std::ostringstream out;
    Progress(out, ProgressStyle::terminal, 100, 6, width).step(some_step(), 24, 12);
    return out.str().substr(1);
  };
  CHECK(shown(whole.size() + 1) == whole);
  CHECK(shown(whole.size()) == whole.substr(0, whole.size() - 1));
  CHECK(shown(20) == whole.substr(0, 19));

  std::ostringstream out;
  Progress progress(out, ProgressStyle::terminal, 100, 6, 200);
  progress.step(some_step(), 24, 12);
  StepMetrics brief = some_step();
  brief.memory = 7;
  progress.step(brief, 24, 12);
  const std::string shorter = whole.substr(0, whole.size() - 6) + "7 B";
  CHECK(out.str() == "\r" + whole + "\r" + shorter + "   ");
  out.str("");
  progress.say("x");
  CHECK(out.str() == "\r" + std::string(shorter.size(), ' ') + "\rx\n");
}

TEST_CASE("a step's line tells of skipped steps where there are some", "[pages]") {
  StepMetrics m = some_step();
  m.loss_scale = 32768, m.skipped = 1;
  CHECK(logged(m, 24, 12) == whole + "  1 skipped, loss scale 32768\n");
  m.skipped = 0;
  CHECK(logged(m, 24, 12) == whole + "\n");
}

TEST_CASE("a step's line tells how full micro-batches are, where they have a budget", "[pages]") {
  StepMetrics m = some_step();
  m.filled = 0.926;
  CHECK(logged(m, 24, 12) == whole + "  93 % full\n");
  m.filled = 0.924, m.loss_scale = 32768, m.skipped = 1;
  CHECK_THAT(logged(m, 24, 12), Catch::Contains("  92 % full") && Catch::Contains("  1 skipped, loss scale 32768"));
}

TEST_CASE("a step's line shows the rate of what trains, and the time that is left", "[pages]") {
  StepMetrics m = some_step();
  m.lr_vision = 3e-6;
  const auto rate = [&] {
    const std::string text = logged(m, 0, 0);
    return text.substr(text.find("lr "), 11);
  };
  CHECK(rate() == "lr 1.00e-03");
  m.lr.reset();
  CHECK(rate() == "lr 2.00e-05");
  m.lr_language.reset();
  CHECK(rate() == "lr 3.00e-06");
  m.lr_vision.reset();
  CHECK(rate() == "lr 0.00e+00");
  const auto left = [&](double seconds, Index done) {
    const std::string text = logged(some_step(), seconds, done);
    const std::size_t at = text.find("tok/s  ") + 7;
    return text.substr(at, text.find(" left") - at);
  };
  CHECK(left(24, 12) == "2:56");
  CHECK(left(24, 1) == "35:12");
  CHECK(left(24, 0) == "0:00");
}

TEST_CASE("the style is that of where progress is written", "[pages]") {
  CHECK(report::progress_style(true, -1) == ProgressStyle::json);
  CHECK(report::progress_style(false, -1) == ProgressStyle::lines);
  CHECK(report::terminal_width(-1) == 80);
  const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY);
  if (terminal < 0) return;  // this machine has none to give
  CHECK(report::progress_style(true, terminal) == ProgressStyle::json);
  CHECK(report::progress_style(false, terminal) == ProgressStyle::terminal);
  winsize size{};
  for (const unsigned short columns : {123, 1, 0}) {
    size.ws_col = columns;
    REQUIRE(ioctl(terminal, TIOCSWINSZ, &size) == 0);
    CHECK(report::terminal_width(terminal) == (columns > 0 ? columns : 80u));
  }
  ::close(terminal);
}
