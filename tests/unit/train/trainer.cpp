// The training loop: which micro-batches make a step, at which rate, and what its listeners hear between steps.
#include "scripted_engine.hpp"

using namespace scripted;
using Lines = std::vector<std::string>;
using Micros = std::vector<scripted::Engine::Micro>;

TEST_CASE("an update uses the schedule at the number of updates before it") {
  dist::Single single;
  RunState state;
  Run run(single, source(5), {.epochs = 2}, state);
  run();
  const Schedule schedule = settings_of(run.plan).schedule;
  REQUIRE(run.engine.rates.size() == 10);
  CHECK(run.engine.rates[0] == std::vector<double>{0, 0, 0, 0});  // warm-up begins with nothing
  for (Index s = 0; s < 10; ++s) {
    const double factor = schedule.factor(s);
    const auto& rates = run.engine.rates[std::size_t(s)];
    CHECK(rates == std::vector<double>{0.5 * factor, 0.25 * factor, 0.125 * factor, -factor});
    const StepMetrics& m = run.heard.steps[std::size_t(s)];
    CHECK(m.lr == 0.5 * factor);  // the largest of a component
    CHECK(m.lr_vision == 0.125 * factor);
    CHECK_FALSE(m.lr_language);
  }
  CHECK(run.engine.rates[9][0] > 0);
  CHECK(state.step == 10);
  CHECK(state.updates == 10);
  CHECK(run.engine.updates == 10);
}

TEST_CASE("accumulation runs on across epochs, and the last step may be shorter") {
  dist::Single single;
  RunState state;
  Run run(single, source(5), {.epochs = 3, .accumulation = 4}, state);
  run([](TrainerSettings& s) { s.max_grad_norm = 0.7; });
  // records 0 1 2 3 | 4 0 1 2 | 3 4 0 1 | 2 3 4
  CHECK(run.engine.begun == std::vector<Index>{supervised({0, 1, 2, 3}), supervised({4, 0, 1, 2}),
                                               supervised({3, 4, 0, 1}), supervised({2, 3, 4})});
  CHECK(run.engine.steps[0] == Micros{{1, 2, 1, false}, {1, 3, 1, false}, {1, 4, 1, false}, {1, 5, 1, true}});
  CHECK(run.engine.steps[3] == Micros{{1, 4, 1, false}, {1, 5, 1, false}, {1, 6, 1, true}});
  CHECK(run.engine.max_norms == std::vector<double>(4, 0.7));
  CHECK(run.heard.lines == Lines{"step 1", "step 2", "epoch 0", "step 3", "epoch 1", "step 4", "epoch 2"});
  CHECK(state.micro_batch == 15);
  CHECK(run.heard.steps[0].epoch == 4.0 / 5.0);
  CHECK(run.heard.steps[3].epoch == 3);
  CHECK(state.history.steps == run.heard.steps);
}

TEST_CASE("max_steps ends a run within an epoch, whose model is written, and changes no rate") {
  dist::Single single;
  RunState state, whole_state;
  Run run(single, source(5), {.epochs = 2, .max_steps = 7}, state),
      whole(single, source(5), {.epochs = 2}, whole_state);
  run(), whole();
  CHECK(run.heard.lines ==
        Lines{"step 1", "step 2", "step 3", "step 4", "step 5", "epoch 0", "step 6", "step 7", "epoch 1"});
  whole.engine.rates.resize(7);
  CHECK(run.engine.rates == whole.engine.rates);
  CHECK(whole.heard.lines.back() == "epoch 1");
}

TEST_CASE("evaluation comes every so many steps and at the end, once") {
  const auto heard = [](Index eval_step, Index steps) {
    dist::Single single;
    RunState state;
    Run run(single, source(6), {.max_steps = steps}, state);
    run([&](TrainerSettings& s) { s.eval_step = eval_step, s.log_accuracy = eval_step == 2; });
    CHECK(state.history.evaluations == run.heard.evaluations);
    for (const EvalMetrics& m : run.heard.evaluations) {
      CHECK(m.eval_loss == 0.5 + double(m.step));
      CHECK(m.epoch == double(m.step) / 6);
      CHECK(m.token_accuracy == (eval_step == 2 ? std::optional(0.75) : std::nullopt));
    }
    std::erase_if(run.heard.lines, [](const std::string& line) { return line.starts_with("step"); });
    return run.heard.lines;
  };
  CHECK(heard(2, 5) == Lines{"eval 2", "eval 4", "eval 5", "epoch 0"});
  CHECK(heard(2, 6) == Lines{"eval 2", "eval 4", "eval 6", "epoch 0"});
  CHECK(heard(0, 3) == Lines{"epoch 0"});
  CHECK(heard(7, 3) == Lines{"eval 3", "epoch 0"});
}

TEST_CASE("evaluations that find no lower loss end a run early, with its model") {
  const auto heard = [](Index patience, Index steps) {
    dist::Single single;
    RunState state;
    Run run(single, source(6), {.max_steps = steps}, state);
    run.eval_loss = [](Index step) { return step == 4 ? 1.0 : 2.0; };  // the fourth step's is the lowest
    run([&](TrainerSettings& s) { s.eval_step = 1, s.early_stop = patience; });
    std::erase_if(run.heard.lines, [](const std::string& line) { return line.starts_with("step"); });
    return std::pair(state.step, run.heard.lines.back());
  };
  CHECK(heard(0, 6) == std::pair(Index(6), std::string("epoch 0")));
  CHECK(heard(1, 6) == std::pair(Index(2), std::string("epoch 0")));
  CHECK(heard(2, 6) == std::pair(Index(3), std::string("epoch 0")));
  CHECK(heard(3, 6) == std::pair(Index(6), std::string("epoch 0")));
}

TEST_CASE("a step's metrics are over all its micro-batches") {
  dist::Single single;
  RunState state;
  const auto data = source(4);
  Run run(single, data, {.sequences = 2, .accumulation = 2}, state);
  double now = 100;
  run([&](TrainerSettings& s) {
    s.seconds = [&] { return now += 2; };
    s.log_accuracy = true, s.peak_flops = 1e10;
  });
  REQUIRE(run.heard.steps.size() == 1);
  const StepMetrics& m = run.heard.steps[0];
  Index tokens = 0;
  for (const vlt::data::SampleSize& s : data->data.sizes) tokens += s.tokens;
  CHECK(m.tokens == tokens);
  CHECK(m.supervised_tokens == supervised({0, 1, 2, 3}));
  CHECK(m.tokens_per_s == double(tokens) / 2);
  CHECK(m.images_per_s == 2);
  CHECK(m.mfu == 1e9 / 2 / 1e10);
  CHECK(m.memory > 0);
  CHECK_FALSE(m.filled);
  const double x = 'x', end = double(data->builder.tokenizer().id("</s>"));
  CHECK(m.loss == (10 * x + 4 * end) / 14);
  CHECK(m.grad_norm == 0.25);
  CHECK(m.token_accuracy == (10.0 * ('x' % 2 == 0) + 4.0 * (Index(end) % 2 == 0)) / 14);
  using Sets = std::vector<std::pair<std::string, double>>;
  CHECK(m.loss_by_dataset == Sets{{"even", (4 * x + 2 * end) / 6}, {"odd", (6 * x + 2 * end) / 8}});
  CHECK(run.heard.paces[0].seconds == 4);  // began, began a step, ended it
  CHECK(run.heard.paces[0].steps == 1);
}

TEST_CASE("a step that is not finite ends the run with the ids of its records") {
  dist::Single single;
  RunState state;
  Run run(single, source(6), {.sequences = 2}, state);
  run.engine.script = [&](StepResult& r) {
    if (run.engine.rates.size() == 2) r.finite = false, r.loss = std::nan("");
  };
  try {
    run();
    FAIL("it went on");
  } catch (const Error& e) {
    CHECK(e.exit() == ExitCode::numeric);
    CHECK(e.complaint().code() == "NUM-STEP-001");
    CHECK(e.complaint().place() == "step 2");
    CHECK(e.complaint().found() == "loss nan, gradient norm 0.250000");
    CHECK_THAT(e.complaint().help(), Catch::Contains("the records \"id 2\", \"id 3\"; lower --learning_rate"));
  }
  CHECK(run.heard.lines == Lines{"step 1"});
  CHECK(state.updates == 1);
  CHECK(state.history.steps.size() == 1);
}

TEST_CASE("a step that a loss scale was too large for moves the data on, and nothing else") {
  dist::Single single;
  RunState state;
  state.loss_scale.emplace();
  Run run(single, source(6), {.max_steps = 6}, state);
  run.engine.script = [&](StepResult& r) {
    r.finite = state.step != 2 && state.step != 3;
    if (!r.finite) r.grad_norm = INFINITY;
  };
  run([](TrainerSettings& s) { s.eval_step = 3; });
  CHECK(run.engine.loss_scales == std::vector<double>{65536, 65536, 32768, 16384, 16384, 16384});
  CHECK(run.heard.lines ==
        Lines{"step 1", "step 2", "step 3", "eval 3", "step 4", "step 5", "step 6", "eval 6", "epoch 0"});
  const Schedule schedule = settings_of(run.plan).schedule;
  for (Index s = 0; s < 6; ++s) {
    const Index updates = s < 3 ? std::min<Index>(s, 1) : s - 2;
    CHECK(run.engine.rates[std::size_t(s)][0] == 0.5 * schedule.factor(updates));
    const StepMetrics& m = run.heard.steps[std::size_t(s)];
    CHECK(m.skipped == (s == 0 ? 0 : s == 1 ? 1 : 2));
    CHECK(m.loss_scale == run.engine.loss_scales[std::size_t(s)]);
    CHECK(m.lr.has_value() == (s != 1 && s != 2));  // none was applied
  }
  CHECK(state.step == 6);
  CHECK(state.updates == 4);
  CHECK(state.overflows == 2);
  CHECK(state.skipped() == 2);
  CHECK(state.micro_batch == 6);
  CHECK(state.loss_scale == LossScale{14, 3});
}

TEST_CASE("a step that is not finite without a loss scale to lower ends the run") {
  dist::Single single;
  RunState state;
  state.loss_scale = LossScale{2, 99};
  Run run(single, source(6), {.max_steps = 6}, state);
  run.engine.script = [](StepResult& r) { r.finite = false; };
  try {
    run();
    FAIL("it went on");
  } catch (const Error& e) {
    CHECK(e.complaint().code() == "NUM-STEP-001");
    CHECK(e.complaint().place() == "step 3");
    CHECK_THAT(e.complaint().help(), Catch::Contains("--precision bf16"));
  }
  CHECK(state.overflows == 2);
  CHECK(state.updates == 0);
}

TEST_CASE("a step of which no sample is left counts, and changes neither weights nor the next rate") {
  dist::Single single;
  RunState state;
  Run run(single, source(6, {2, 3, 5}), {.sequences = 1, .accumulation = 2}, state);
  run();
  CHECK(run.heard.lines == Lines{"step 1", "lost 2", "lost 3", "lost 5", "step 3", "epoch 0"});
  CHECK(run.engine.begun == std::vector<Index>{supervised({0, 1}), supervised({4})});
  CHECK(run.engine.steps[1] == Micros{{1, 6, 1, true}});  // the micro-batch that is empty is left out
  CHECK(run.engine.rates[1][0] == 0.5 * settings_of(run.plan).schedule.factor(1));
  CHECK(run.heard.steps[1].epoch == 1);
  CHECK(state.step == 3);
  CHECK(state.updates == 2);
  CHECK(state.skipped() == 1);
  CHECK(state.micro_batch == 6);
}

TEST_CASE("a run that is taken up again hears and does what the first would have") {
  const vlt::data::BatchRules rules{.sequences = 2, .epochs = 3, .accumulation = 2};
  vlt::data::BatchRules first_part = rules;
  first_part.max_steps = 3;
  dist::Single single;
  const auto change = [](TrainerSettings& s) {
    s.eval_step = 2;
    s.seconds = [n = 0.0]() mutable { return n += 1; };
    s.schedule.steps = 8;
  };
  RunState whole_state, state;
  Run whole(single, source(9, {4}), rules, whole_state), first(single, source(9, {4}), first_part, state);
  whole(change), first(change);
  RunState kept = parse_run_state(to_json(state), "state");
  Run second(single, source(9, {4}), rules, kept);
  second(change);
  REQUIRE(whole.engine.rates.size() == 8);
  CHECK(first.engine.rates.size() == 3);
  for (std::size_t s = 3; s < 8; ++s) {
    CHECK(second.engine.rates[s - 3] == whole.engine.rates[s]);
    CHECK(second.engine.steps[s - 3] == whole.engine.steps[s]);
    CHECK(second.engine.begun[s - 3] == whole.engine.begun[s]);
    CHECK(second.heard.paces[s - 3].steps == Index(s) - 2);
  }
  CHECK(second.engine.updates == 8);
  for (RunState* s : {&kept, &whole_state}) {
    std::erase_if(s->history.evaluations, [](const EvalMetrics& m) { return m.step == 3; });  // the end of the first
    for (StepMetrics& m : s->history.steps) m.memory = 0;
  }
  CHECK(kept == whole_state);
}

TEST_CASE("a trainer refuses a loader that stands elsewhere, and a plan for other ranks") {
  dist::Single single;
  RunState state;
  Run run(single, source(5), {}, state), shared(single, source(5), {.ranks = 2}, state);
  CHECK_THROWS_AS(shared(), std::invalid_argument);
  state.micro_batch = 1;
  CHECK_THROWS_AS(run(), std::invalid_argument);
}

namespace {
// What a rank of a group did. Where one does not keep step, the group's barriers fail.
struct RankRun {
  Recorder heard;
  std::vector<Index> begun;
  std::vector<std::size_t> micro_batches;
  RunState state;
};
std::vector<RankRun> on_ranks(int ranks, const std::shared_ptr<vlt::data::SampleSource>& data,
                              vlt::data::BatchRules rules) {
  std::vector<RankRun> each(static_cast<std::size_t>(ranks));
  rules.ranks = ranks;
  dist::ThreadGroup::run(ranks, [&](dist::World& world) {
    RankRun& mine = each[std::size_t(world.rank())];
    Run run(world, data, rules, mine.state);
    run();
    mine.heard = run.heard, mine.begun = run.engine.begun;
    for (const auto& s : run.engine.steps) mine.micro_batches.push_back(s.size());
  });
  return each;
}
}  // namespace

TEST_CASE("ranks keep step whatever each of them has and loses", "[threads]") {
  const std::set<Index> broken{2, 3, 8, 9, 10, 11};
  // three ranks: 0 1 | 2 3 | 4 5 and 6 7 | 8 9 | 10 11 and 12 | 13 | -
  const auto each = on_ranks(3, source(14, broken), {.sequences = 2});
  for (std::size_t r = 0; r < 3; ++r) {
    INFO("rank " << r);
    CHECK(each[r].heard.lines ==
          Lines{"lost 2", "lost 3", "step 1", "lost 8", "lost 9", "lost 10", "lost 11", "step 2", "step 3", "epoch 0"});
    CHECK(each[r].micro_batches == std::vector<std::size_t>{1, 1, 1});
    for (std::size_t s = 0; s < 3; ++s) {
      CHECK(each[r].heard.steps[s].loss == each[0].heard.steps[s].loss);
      CHECK(each[r].heard.steps[s].tokens == each[0].heard.steps[s].tokens);
    }
  }
  CHECK(each[0].begun == std::vector<Index>{supervised({0, 1}), supervised({6, 7}), supervised({12})});
  CHECK(each[1].begun == std::vector<Index>{0, 0, supervised({13})});
  CHECK(each[2].begun == std::vector<Index>{supervised({4, 5}), 0, 0});

  // the same micro-batches on one rank: the same numbers, exactly
  const auto alone = on_ranks(1, source(14, broken), {.sequences = 6});
  for (std::size_t s = 0; s < 3; ++s) {
    const StepMetrics &one = alone[0].heard.steps[s], &all = each[0].heard.steps[s];
    CHECK(all.loss == one.loss);
    CHECK(all.tokens == one.tokens);
    CHECK(all.supervised_tokens == one.supervised_tokens);
    CHECK(all.loss_by_dataset == one.loss_by_dataset);
    CHECK(all.lr == one.lr);
    CHECK(all.epoch == one.epoch);
  }
}

TEST_CASE("a step whose samples all ranks have lost is skipped by all of them", "[threads]") {
  const auto each = on_ranks(2, source(12, {4, 5, 6, 7}), {.sequences = 1, .accumulation = 2});
  for (const RankRun& r : each) {
    CHECK(r.heard.lines ==
          Lines{"step 1", "lost 4", "lost 6", "lost 5", "lost 7", "step 3", "epoch 0"});  // rank 0's, then rank 1's
    CHECK(r.state.skipped() == 1);
    CHECK(r.state.updates == 2);
    CHECK(r.begun.size() == 2);
  }
}

TEST_CASE("every rank names the records of all when a step is not finite", "[threads]") {
  std::vector<std::string> help(2);
  const auto run = [&] {
    dist::ThreadGroup::run(2, [&](dist::World& world) {
      RunState state;
      Run rank(world, source(4), {.sequences = 2, .ranks = 2}, state);
      rank.engine.script = [](StepResult& r) { r.finite = false; };
      try {
        rank();
      } catch (const Error& e) {
        help[std::size_t(world.rank())] = e.complaint().help();
        throw;
      }
    });
  };
  CHECK_THROWS_AS(run(), Error);
  CHECK_THAT(help[0], Catch::Contains("the records \"id 0\", \"id 1\", \"id 2\", \"id 3\";"));
  CHECK(help[1] == help[0]);
}

TEST_CASE("a run is saved every so many steps, at the ends of epochs and at its end") {
  const auto saved = [](Index save_step, Index max_steps) {
    dist::Single single;
    RunState state;
    Run run(single, source(5), {.epochs = 2, .max_steps = max_steps}, state);
    run.hears_saves = true;
    run([&](TrainerSettings& s) { s.save_step = save_step, s.eval_step = 3; });
    CHECK(run.end == RunEnd::finished);
    std::erase_if(run.heard.lines, [](const std::string& line) { return !line.starts_with("saved"); });
    return run.heard.lines;
  };
  CHECK(saved(0, 0) == Lines{"saved 5", "saved 10"});
  CHECK(saved(4, 0) == Lines{"saved 4", "saved 5", "saved 8", "saved 10"});
  CHECK(saved(5, 0) == Lines{"saved 5", "saved 10"});
  CHECK(saved(0, 3) == Lines{"saved 3"});
}

TEST_CASE("what a run saves owes nothing, and comes after all that belongs to its step") {
  dist::Single single;
  RunState state;
  Run run(single, source(4), {}, state);
  run.hears_saves = true;
  run([](TrainerSettings& s) { s.save_step = 2, s.eval_step = 2; });
  CHECK(run.heard.lines ==
        Lines{"step 1", "step 2", "eval 2", "saved 2", "step 3", "step 4", "eval 4", "epoch 0", "saved 4"});
  CHECK(run.owed == std::vector<Index>{0, 0});
}

TEST_CASE("a run that is asked to stop saves its step at once, and owes what follows it") {
  dist::Single single;
  RunState state;
  Run run(single, source(4), {}, state);
  run.hears_saves = true;
  run.stop_in = 4;
  run([](TrainerSettings& s) { s.eval_step = 2; });
  CHECK(run.end == RunEnd::stopped);
  CHECK(run.heard.lines == Lines{"step 1", "step 2", "eval 2", "step 3", "step 4", "saved 4"});
  CHECK(run.owed == std::vector<Index>{1});
  Run rest(single, source(4), {}, state);
  rest.hears_saves = true;
  rest([](TrainerSettings& s) { s.eval_step = 2; });
  CHECK(rest.end == RunEnd::finished);
  CHECK(rest.heard.lines == Lines{"eval 4", "epoch 0", "saved 4"});
  Run nothing(single, source(4), {}, state);
  nothing.hears_saves = true;
  nothing([](TrainerSettings& s) { s.eval_step = 2; });
  CHECK(nothing.heard.lines.empty());
}

TEST_CASE("all ranks stop after the same step when one of them is asked to", "[threads]") {
  std::vector<RunState> states(3);
  dist::ThreadGroup::run(3, [&](dist::World& world) {
    Run run(world, source(12), {.sequences = 1, .ranks = 3}, states[std::size_t(world.rank())]);
    if (world.rank() == 1) run.stop_in = 2;
    run();
    if (run.end != RunEnd::stopped) throw std::runtime_error("it went on");
  });
  for (const RunState& s : states) CHECK(s.step == 2);
}
