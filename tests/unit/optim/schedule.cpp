#include <vlt/optim/schedule.hpp>

#include <catch2/catch.hpp>
#include <vector>

using namespace vlt;

namespace {
std::vector<double> factors(ScheduleKind kind) {
  const Schedule schedule = make_schedule(kind, 10, 2, 1e-3);
  std::vector<double> f;
  for (Index s = 0; s <= 10; ++s) f.push_back(schedule.factor(s));
  return f;
}
void compare(ScheduleKind kind, const std::vector<double>& expected) {
  const auto f = factors(kind);
  for (std::size_t s = 0; s < f.size(); ++s) {
    INFO(schedule_names[int(kind)] << " after " << s << " updates");
    CHECK(std::abs(f[s] - expected[s]) <= 5.001e-7);
  }
}
}  // namespace

// Numbers written out by hand; tests/unit/optim/schedule_golden.cpp compares with transformers.
TEST_CASE("schedules after a warm-up of two of ten updates", "[optim]") {
  compare(ScheduleKind::linear, {0, .5, 1, .875, .75, .625, .5, .375, .25, .125, 0});
  compare(ScheduleKind::cosine_with_restarts, {0, .5, 1, .961940, .853553, .691342, .5, .308658, .146447, .038060, 0});
  compare(ScheduleKind::constant, std::vector<double>(11, 1));
  compare(ScheduleKind::constant_with_warmup, {0, .5, 1, 1, 1, 1, 1, 1, 1, 1, 1});
  compare(ScheduleKind::wsd, {0, .5, 1, 1, 1, 1, 1, 1, 1, 1, 0});
  // transformers' cosine comes back up after the end; a restarted cycle stays at 0
  CHECK(make_schedule(ScheduleKind::cosine, 10, 2, 1e-3).factor(14) == Approx(0.5));
  CHECK(make_schedule(ScheduleKind::cosine_with_restarts, 10, 2, 1e-3).factor(14) == 0);
  CHECK(make_schedule(ScheduleKind::linear, 10, 2, 1e-3).factor(14) == 0);
  CHECK(make_schedule(ScheduleKind::polynomial, 10, 2, 1e-3).factor(14) == Approx(1e-4));
}

TEST_CASE("wsd falls over the last tenth of the steps", "[optim]") {
  const Schedule s = make_schedule(ScheduleKind::wsd, 200, 10, 1);
  CHECK(s.factor(5) == 0.5);
  CHECK(s.factor(180) == 1);
  CHECK(s.factor(181) == Approx(0.95));
  CHECK(s.factor(190) == Approx(0.5));
  CHECK(s.factor(200) == 0);
}

TEST_CASE("warm-up is a number of steps above 1 and a ratio up to 1", "[optim]") {
  CHECK(make_schedule(ScheduleKind::linear, 100, 7, 1).warmup == 7);
  CHECK(make_schedule(ScheduleKind::linear, 100, 0.03, 1).warmup == 3);
  CHECK(make_schedule(ScheduleKind::linear, 105, 0.03, 1).warmup == 3);
  CHECK(make_schedule(ScheduleKind::linear, 100, 1, 1).warmup == 100);
  CHECK(make_schedule(ScheduleKind::linear, 100, 0, 1).factor(0) == 1);
}

TEST_CASE("schedules whose run is all warm-up, or one step, stay finite", "[optim]") {
  for (int kind = 0; kind < int(schedule_names.size()); ++kind)
    for (Index steps : {1, 2, 3})
      for (double warmup : {0.0, 1.0, 5.0})
        for (Index s = 0; s <= 6; ++s) {
          const double f = make_schedule(ScheduleKind(kind), steps, warmup, 1e-3).factor(s);
          INFO(schedule_names[kind] << " steps " << steps << " warm-up " << warmup << " after " << s);
          CHECK((f >= 0 && f <= 1));
        }
}

TEST_CASE("schedules have names, and polynomial has a least rate", "[optim]") {
  for (int kind = 0; kind < int(schedule_names.size()); ++kind)
    CHECK(schedule_kind(schedule_names[kind]) == ScheduleKind(kind));
  CHECK_THROWS_AS(schedule_kind("cosinus"), std::invalid_argument);
  CHECK_THROWS_AS(make_schedule(ScheduleKind::polynomial, 10, 0, 1e-7), Error);
  CHECK_NOTHROW(make_schedule(ScheduleKind::linear, 10, 0, 1e-7));
}

TEST_CASE("a schedule needs a step, and a warm-up that is neither negative nor endless", "[optim]") {
  CHECK_THROWS_AS(make_schedule(ScheduleKind::linear, 0, 0, 1), std::invalid_argument);
  CHECK_THROWS_AS(make_schedule(ScheduleKind::linear, 10, -0.1, 1), std::invalid_argument);
  CHECK_THROWS_AS(make_schedule(ScheduleKind::linear, 10, 2e18, 1), std::invalid_argument);
  CHECK(make_schedule(ScheduleKind::linear, 1, 1e18, 1).warmup == Index(1e18));
  CHECK(make_schedule(ScheduleKind::polynomial, 10, 0, 1.1e-7).learning_rate == 1.1e-7);
  const Schedule usual;
  CHECK((usual.kind == ScheduleKind::cosine && usual.steps == 1 && usual.warmup == 0 && usual.learning_rate == 1e-3));
}
