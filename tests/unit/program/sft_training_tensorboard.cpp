// What a run leaves for TensorBoard.
#include <unit/program/small_training.hpp>
#include <unit/report/shown_events.hpp>

using namespace small_program;

TEST_CASE("a training draws its curves for TensorBoard, and goes on with them") {
  const ModelFolder t;
  const Words on{"--enable_tensorboard"};
  REQUIRE(t.train("plain", {}).exit == 0);
  CHECK_FALSE(t.has("plain/tb_logging"));
  REQUIRE(t.train("run", command({on, {"--max_steps", "3", "--seed", "5"}})).exit == 0);
  const Ran r = t.train("run", command({on, {"--from_checkpoint", "auto", "--seed", "5"}}));
  INFO(r.errors);
  REQUIRE(r.exit == 0);
  const MetricsHistory m = t.metrics("run");
  REQUIRE((m.steps.size() == 4 && m.evaluations.size() == 3));

  const auto shown = shown_events::of(t / "run/tb_logging");
  for (std::size_t i = 0; i < 4; ++i) {
    const StepMetrics& s = m.steps[i];
    const auto number = [&](const std::string& tag) {
      const auto& all = shown.scalars.at(tag);
      REQUIRE(all.size() == 4);
      CHECK(all[i].first == s.step);
      return float(all[i].second);
    };
    CHECK(number("Train/Samples/train_loss") == float(s.loss));
    CHECK(number("Train/Samples/lr") == float(*s.lr));
    CHECK(number("Train/grad_norm") == float(s.grad_norm));
    CHECK(number("Train/tokens_per_s") == float(s.tokens_per_s));
    CHECK(number("Train/token_accuracy") == float(*s.token_accuracy));
  }
  CHECK(shown.scalars.contains("Train/loss_by_dataset/second"));
  CHECK(shown.steps("Eval/loss") == std::vector<Index>{2, 3, 4});
  CHECK(float(shown.scalars.at("Eval/loss")[2].second) == float(m.evaluations[2].eval_loss));
  CHECK_THAT(shown.texts.at("options").back().second, Catch::Contains("| seed | `5` |"));
  CHECK(shown.pictures.at("samples/1/picture_1").size() == 1);  // those of the end that was none are taken back
  CHECK_THAT(shown.texts.at("samples/1/answers").at(0).second, Catch::Contains("model now"));
}
