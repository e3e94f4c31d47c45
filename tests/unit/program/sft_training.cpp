// What a training begins with, shows while it goes on, leaves for TensorBoard, and is refused for.
#include <unit/image/png_bytes.hpp>
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

TEST_CASE("a page tells what a run is doing while it trains") {
  const ModelFolder t;
  t.write("run/epoch-0", "where the first model would go");
  const Ran r = t.train("run", {"--from_checkpoint", "auto"});
  CHECK(r.exit == 6);
  CHECK_THAT(r.errors, Catch::Contains("WRITE-MODEL-003"));
  const std::string page = test::read_text(t / "run/report.html");
  CHECK_THAT(page, Catch::Contains("<p class=\"status\">training: step 2 of 4</p>"));
  CHECK_THAT(page, Catch::Contains("http-equiv=\"refresh\""));
  CHECK_THAT(page, Catch::Contains("model before training") && !Catch::Contains("model now"));
}

TEST_CASE("a training whose plan does not fit is refused before anything is trained") {
  const ModelFolder t;
  t.write("images/0.png",
          test::png_file(test::header(7000, 7000) + test::chunk("IDAT", test::zeros(147007000)) + test::end()));
  const Ran r = t.train("run", {"--num_workers", "1024"});
  CHECK(r.exit == 9);
  CHECK_THAT(r.errors, Catch::Contains("MEM-PLAN-001") && Catch::Contains("loader image decoders"));
  CHECK_FALSE(t.has("run/receipt.json"));
  const Ran plan = t.instead(command({t.models(), {"--plan", "--num_workers", "1024"}}));
  CHECK(plan.exit == 0);
  CHECK_THAT(plan.out, Catch::Contains("image decoders"));
}

TEST_CASE("a new projector begins with numbers of the seed, as torch's layers begin") {
  const ModelFolder t;
  const auto projector = [&](const std::string& name, const char* seed) {
    const Ran r = t.train(name, {"--learning_rate", "0", "--max_steps", "1", "--eval_step", "0", "--seed", seed});
    INFO(r.errors);
    REQUIRE(r.exit == 0);
    const hub::WeightFolder folder(Folder(t / name + "/epoch-0/projector"));
    std::map<std::string, std::vector<float>> all;
    for (const auto& place : folder.tensors()) {
      auto& values = all[place.tensor->name];
      values.resize(std::size_t((place.tensor->end - place.tensor->begin) / sizeof(float)));
      place.file->read(*place.tensor, 0, values);
    }
    return all;
  };
  const auto drawn = projector("a", "7"), again = projector("b", "7"), other = projector("c", "8");
  REQUIRE(drawn.size() == 4);
  CHECK(drawn == again);
  const auto matches = [&](const std::string& name, const Init& init) {
    const RandomStream random{7, stream_of(name)};
    for (std::size_t e = 0; e < drawn.at(name).size(); ++e)
      CHECK(drawn.at(name)[e] == float(initial_value(init, random, Index(e))));
  };
  const double bound = 1 / std::sqrt(12.0);
  matches("projection.0.weight", {Init::uniform, bound}), matches("projection.0.bias", {Init::uniform, bound});
  matches("projection.1.weight", {Init::one}), matches("projection.1.bias", {Init::zero});
  CHECK(drawn.at("projection.0.weight") != other.at("projection.0.weight"));
}

TEST_CASE("a training shows the samples of its first steps in their order") {
  const ModelFolder t;
  const Ran r = t.train("run", {"--learning_rate", "0", "--seed", "3", "--per_device_train_batch_size", "1",
                                "--gradient_accumulation_steps", "1", "--num_train_epochs", "1", "--eval_step", "0",
                                "--data_debug_path", t / "samples"});
  INFO(r.errors);
  REQUIRE(r.exit == 0);
  CHECK_THAT(r.out, Catch::Contains("wrote 8 samples to " + t / "samples"));
  const auto samples = boost::json::parse(test::read_text(t / "samples/samples.json")).as_array();
  const std::vector<StepMetrics> steps = t.metrics("run").steps;
  REQUIRE((samples.size() == 8 && steps.size() == 8));
  for (std::size_t i = 0; i < 8; ++i)
    CHECK(steps[i].tokens == Index(samples[i].at("ids").as_array().size()) +
                                 (tokens_per_image - 1) * Index(samples[i].at("images").as_array().size()));
}
