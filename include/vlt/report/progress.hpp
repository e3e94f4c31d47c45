#pragma once
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vlt/base/config.hpp>
#include <vlt/base/shown_bytes.hpp>
#include <vlt/report/figures.hpp>
#include <vlt/train/metrics.hpp>

namespace vlt::report {

// How progress is written: one line that is rewritten (a terminal), a plain line each time (a log), or JSON.
enum class ProgressStyle { terminal, lines, json };

// The style for a file descriptor under a --log_format, and how wide its line may be.
inline ProgressStyle progress_style(bool json, int descriptor) {
  if (json) return ProgressStyle::json;
  return isatty(descriptor) == 1 ? ProgressStyle::terminal : ProgressStyle::lines;
}
inline std::size_t terminal_width(int descriptor) {
  winsize size{};
  return ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

// Shows how a run advances: step, epoch, loss, rate, tokens per second, time to go, memory.
class Progress {
 public:
  Progress(std::ostream& out, ProgressStyle style, Index steps, double epochs, std::size_t width = 80)
      : out_(&out), style_(style), steps_(steps), epochs_(epochs), width_(width) {}

  // After an optimiser step; `seconds` since the run began its first step, `done` steps taken since then.
  void step(const StepMetrics& m, double seconds, Index done) {
    if (style_ == ProgressStyle::json) {
      *out_ << metrics_line(m) << '\n' << std::flush;
      return;
    }
    const double left = done > 0 ? seconds / double(done) * double(steps_ - m.step) : 0;
    show(line(m, shown_duration(left)));
  }
  void evaluation(const EvalMetrics& m) {
    if (style_ == ProgressStyle::json) {
      *out_ << metrics_line(m) << '\n' << std::flush;
      return;
    }
    char text[96];
    std::snprintf(text, sizeof text, "step %lld  epoch %.2f  eval loss %.4f", static_cast<long long>(m.step), m.epoch,
                  m.eval_loss);
    std::string sentence = text;
    if (m.token_accuracy) {
      std::snprintf(text, sizeof text, "  token accuracy %.2f %%", 100 * *m.token_accuracy);
      sentence += text;
    }
    say(sentence);
  }
  // A sentence that stays: what was saved, what was skipped.
  void say(std::string_view sentence) {
    if (style_ == ProgressStyle::json) {
      *out_ << JsonLine().add("note", sentence).text() << '\n' << std::flush;
      return;
    }
    wipe();
    *out_ << sentence << '\n' << std::flush;
  }
  // Ends the rewritten line, so that what follows starts on its own.
  void finish() {
    if (shown_ > 0) *out_ << '\n' << std::flush;
    shown_ = 0;
  }

 private:
  std::ostream* out_;
  ProgressStyle style_;
  Index steps_;
  double epochs_;
  std::size_t width_, shown_ = 0;  // columns

  std::string line(const StepMetrics& m, const std::string& left) const {
    const auto rate = m.lr ? m.lr : m.lr_language ? m.lr_language : m.lr_vision;
    char text[256];
    std::snprintf(text, sizeof text, "step %lld/%lld  epoch %.2f/%g  loss %.4f  lr %.2e  %s tok/s  %s left  %s",
                  static_cast<long long>(m.step), static_cast<long long>(steps_), m.epoch, epochs_, m.loss,
                  rate.value_or(0.0), shown_count(m.tokens_per_s).c_str(), left.c_str(),
                  shown_bytes(double(m.memory)).c_str());
    std::string all = text;
    if (m.skipped > 0) {
      std::snprintf(text, sizeof text, "  %lld skipped, loss scale %g", static_cast<long long>(m.skipped),
                    m.loss_scale.value_or(1));
      all += text;
    }
    if (m.filled) {
      std::snprintf(text, sizeof text, "  %.0f %% full", 100 * *m.filled);
      all += text;
    }
    return all;
  }
  void show(std::string text) {
    if (style_ == ProgressStyle::lines) {
      *out_ << text << '\n' << std::flush;
      return;
    }
    if (text.size() >= width_) text.resize(width_ - 1);  // a wrapped line could not be rewritten
    const std::size_t length = text.size();
    if (shown_ > length) text.append(shown_ - length, ' ');
    *out_ << '\r' << text << std::flush;
    shown_ = length;
  }
  void wipe() {
    if (shown_ > 0) *out_ << '\r' << std::string(shown_, ' ') << '\r';
    shown_ = 0;
  }
};

}  // namespace vlt::report
