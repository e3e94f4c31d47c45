// sft_main in one process: micro-batches that are filled up, and features that are kept.
#include <fstream>
#include <unit/program/small_training.hpp>

using namespace small_program;

namespace {

std::vector<double> losses(const MetricsHistory& m) {
  std::vector<double> all;
  for (const StepMetrics& s : m.steps) all.push_back(s.loss), all.push_back(s.grad_norm);
  for (const EvalMetrics& e : m.evaluations) all.push_back(e.eval_loss);
  return all;
}

}  // namespace

TEST_CASE("packed micro-batches hold what fits, and everybody is told how full they are") {
  const ModelFolder t;
  const Words packed{"--packing", "--max_seq_len", "40", "--gradient_accumulation_steps", "1", "--eval_step", "0"};
  const Ran r = t.train("packed", packed);
  INFO(r.errors);
  REQUIRE(r.exit == 0);
  CHECK_THAT(r.out, Catch::Contains("micro-batches of at most 80 tokens, ") && Catch::Contains(" % full\n"));
  const MetricsHistory m = t.metrics("packed");
  for (const StepMetrics& s : m.steps) CHECK(s.filled == double(s.tokens) / 80);
  CHECK_THAT(test::read_text(t / "packed/report.html"), Catch::Contains("micro-batches filled"));
  const Ran plan = t.instead(command({t.models(), packed, {"--plan", "--num_train_epochs", "2"}}));
  CHECK_THAT(plan.out, Catch::Contains("packing: " + std::to_string(m.steps.size()) + " micro-batches"));
}

TEST_CASE("features of a frozen tower that are kept change no number") {
  const ModelFolder t;
  const Words both_epochs{"--num_train_epochs", "3"};
  REQUIRE(t.train("off", both_epochs).exit == 0);
  const auto train = [&](const std::string& name, const Words& more) {
    const Ran r = t.train(name, command({both_epochs, more}));
    INFO(r.errors);
    CHECK(r.exit == 0);
    CHECK(losses(t.metrics(name)) == losses(t.metrics("off")));
    return r;
  };
  const Ran memory = train("memory", {"--cache_vision_features", "memory"});
  CHECK(memory.out.find("vision cache") != memory.out.npos);
  CHECK_FALSE(t.has("memory/vision_features"));
  const Ran little = train("little", {"--cache_vision_features", "memory", "--vision_cache_bytes", "300"});
  CHECK_THAT(little.errors, Catch::Contains("WRITE-CACHE-007"));
  CHECK(little.errors.find("WRITE-CACHE-007") == little.errors.rfind("WRITE-CACHE-007"));
  const Words disk{"--cache_vision_features", "disk", "--from_checkpoint", "auto"};
  REQUIRE(t.train("disk", command({both_epochs, disk, {"--max_steps", "4"}})).exit == 0);
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(t / "disk/vision_features")) {
    ++files;
    std::ofstream(entry.path(), std::ios::app) << "!";
  }
  CHECK(files == 7);
  CHECK_THAT(train("disk", disk).errors, Catch::Contains("WRITE-CACHE-008"));
  const Ran trains = t.train("trains", {"--cache_vision_features", "disk", "--vis_lora_dim", "2"});
  CHECK(trains.exit == 2);
  CHECK_THAT(trains.errors, Catch::Contains("the encoder trains"));
}
