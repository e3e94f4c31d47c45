#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <string>
#include <string_view>
#include <vlt/base/config.hpp>
#include <vlt/base/error.hpp>

namespace vlt {

enum class ScheduleKind {
  linear,
  cosine,
  cosine_with_restarts,
  polynomial,
  constant,
  constant_with_warmup,
  wsd,  // warm-up, stable, decay
};

inline constexpr std::array<std::string_view, 7> schedule_names{
    "linear", "cosine", "cosine_with_restarts", "polynomial", "constant", "constant_with_warmup", "wsd"};

inline ScheduleKind schedule_kind(std::string_view name) {
  const auto at = std::find(schedule_names.begin(), schedule_names.end(), name);
  require(at != schedule_names.end(), "there is no learning rate schedule named " + std::string(name));
  return ScheduleKind(at - schedule_names.begin());
}

// The factor on every learning rate, by the number of updates already made: the first update uses factor(0), which is 0
// under warm-up. Formulas as in transformers (optimization.py: power 1 and an end rate of 1e-7 for polynomial, one
// cycle for cosine_with_restarts); wsd is 1 after warm-up and falls linearly to 0 over the last tenth of the steps.
struct Schedule {
  ScheduleKind kind = ScheduleKind::cosine;
  Index steps = 1;              // updates of the whole run
  Index warmup = 0;             // of which warm-up
  double learning_rate = 1e-3;  // the peak that polynomial's end rate is relative to

  double factor(Index done) const {
    const double s = double(done), w = double(warmup), n = double(steps);
    if (kind == ScheduleKind::constant) return 1;
    if (done < warmup) return s / std::max(1.0, w);
    const double x = (s - w) / std::max(1.0, n - w);  // 0 after warm-up, 1 at the end
    switch (kind) {
      case ScheduleKind::linear:
        return std::max(0.0, (n - s) / std::max(1.0, n - w));
      case ScheduleKind::cosine:
        return std::max(0.0, 0.5 * (1 + std::cos(std::numbers::pi * x)));
      case ScheduleKind::cosine_with_restarts:
        return x >= 1 ? 0 : 0.5 * (1 + std::cos(std::numbers::pi * x));
      case ScheduleKind::polynomial:
        return done > steps ? end_rate / learning_rate : polynomial(x);
      case ScheduleKind::wsd:
        return std::clamp((n - s) / (n / 10), 0.0, 1.0);
      default:
        return 1;
    }
  }

  static constexpr double end_rate = 1e-7;

 private:
  double polynomial(double x) const { return ((learning_rate - end_rate) * (1 - x) + end_rate) / learning_rate; }
};

// Checks what a schedule needs: at least one step, warm-up within 0 .. steps, and for polynomial a rate above its end.
// `warmup` above 1 is a number of steps, up to 1 a ratio of all steps (rounded down).
inline Schedule make_schedule(ScheduleKind kind, Index steps, double warmup, double learning_rate) {
  require(steps >= 1, "a learning rate schedule needs at least one step");
  require(warmup >= 0 && warmup <= 1e18, "warm-up is a number of steps or a ratio of them: not negative, not endless");
  if (kind == ScheduleKind::polynomial && !(learning_rate > Schedule::end_rate))
    throw Error(ExitCode::usage,
                Complaint("OPT-RANGE-001", "the polynomial schedule falls to a rate of 1e-7 and must start above it")
                    .at("--learning_rate")
                    .expected("more than 1e-7")
                    .found(std::to_string(learning_rate))
                    .help("raise --learning_rate or choose another --lr_scheduler_type"));
  return {kind, steps, warmup > 1 ? Index(warmup) : Index(warmup * double(steps)), learning_rate};
}

}  // namespace vlt
