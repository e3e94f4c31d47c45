// sft_main in one process: a training that ends early and goes on is the training that did not.
#include <csignal>
#include <map>
#include <unit/program/small_training.hpp>

using namespace small_program;

namespace {

const Words lora{"--lang_lora_dim", "2", "--vis_lora_dim", "2", "--from_checkpoint", "auto",
                 "--save_step",     "1", "--eval_step",    "0"};

// What does not depend on time.
std::vector<std::string> curve(const MetricsHistory& history) {
  MetricsHistory m = history;
  for (StepMetrics& s : m.steps) s.tokens_per_s = s.images_per_s = s.mfu = 0, s.memory = 0;
  std::vector<std::string> lines;
  for_each_metrics_line(m, [&](const std::string& line) { lines.push_back(line); });
  return lines;
}
// All files of a folder, by name.
std::map<std::string, std::string> files(const std::string& folder) {
  std::map<std::string, std::string> all;
  for (const auto& e : std::filesystem::recursive_directory_iterator(folder))
    if (e.is_regular_file()) all[std::filesystem::relative(e.path(), folder)] = test::read_text(e.path());
  return all;
}
void same(const ModelFolder& t, const std::string& name, const std::string& wanted) {
  CHECK(curve(t.metrics(name)) == curve(t.metrics(wanted)));
  for (const char* model : {"epoch-0", "epoch-1"})
    CHECK(files(t / (name + "/" + model)) == files(t / (wanted + "/" + model)));
  const std::string last = "/checkpoints/step-00000004/rank-000.bin";
  CHECK(test::read_text(t / (name + last)) == test::read_text(t / (wanted + last)));
}
void train(const ModelFolder& t, const std::string& name, const Words& more, int exit, const std::string& says) {
  const Ran r = t.train(name, command({lora, more}));
  INFO(r.errors << r.out);
  CHECK(r.exit == exit);
  CHECK((r.out + r.errors).find(says) != std::string::npos);
}

// Asks this process to end as soon as these words are printed.
struct Alarm : std::stringbuf {
  explicit Alarm(std::string w) : words(std::move(w)) {}
  int sync() override {
    if (words.empty() || str().find(words) == std::string::npos) return 0;
    words.clear();
    return std::raise(SIGTERM);
  }
  std::string words;
};

}  // namespace

TEST_CASE("a training that ends after any step goes on to the bit") {
  const ModelFolder t;
  train(t, "whole", {}, 0, "there is no checkpoint");
  REQUIRE(t.metrics("whole").steps.size() == 4);
  CHECK_FALSE(t.has("whole/checkpoints/step-00000002"));  // two are kept
  for (const std::string steps : {"1", "2", "3"}) {
    const std::string name = "part" + steps;
    train(t, name, {"--max_steps", steps}, 0, "saved " + t / (name + "/checkpoints/step-0000000" + steps));
    CHECK(std::to_string(t.metrics(name).steps.size()) == steps);
    std::ofstream(t / (name + "/metrics.jsonl"), std::ios::app) << "{\"step\": 9, \"loss\": 7}\n{\"st";
    train(t, name, {"--num_workers", "3"}, 0, "going on after step " + steps);
    same(t, name, "whole");
    const std::string page = test::read_text(t / (name + "/report.html"));
    CHECK(page.find("class=\"mark\"") != page.npos);
  }
  train(t, "whole", {}, 0, "nothing is left to do");
  const std::string page = test::read_text(t / "whole/report.html");
  CHECK(page.find("finished after 4 steps") != page.npos);
}

TEST_CASE("a training that is asked to end does so after its step, says how to go on, and goes on to the bit") {
  const ModelFolder t;
  train(t, "whole", {}, 0, "wrote ");
  const Ran r = t.train("run", lora, true, Alarm("step 2/4"));
  INFO(r.errors << r.out);
  CHECK(r.exit == int(ExitCode::preempted));
  CHECK(t.metrics("run").steps.size() == 2);
  CHECK(t.has("run/checkpoints/step-00000002"));
  CHECK_THAT(r.errors, Catch::Contains("SIGTERM: stopped after step 2; run the same command with --from_checkpoint"));
  CHECK(r.out.ends_with("wrote " + t / "run/report.html" + "\n"));
  const std::string page = test::read_text(t / "run/report.html");
  CHECK_THAT(page, Catch::Contains("stopped after step 2 of 4; goes on with --from_checkpoint auto") &&
                       !Catch::Contains("http-equiv=\"refresh\""));
  train(t, "run", {}, 0, "going on after step 2");
  same(t, "run", "whole");
}

TEST_CASE("a training that goes on keeps its list of what was left out") {
  const ModelFolder t;
  t.write("images/3.png", torn_picture);
  const Words lossy{"--max_bad_fraction", "0.19", "--data_train_split_ratio", "1"};
  const char* total = "2 of 11 records have errors, 1 of them found while decoding";
  train(t, "run", command({lossy, {"--max_steps", "3"}}), 0, total);
  const std::string list = test::read_text(t / "run/skipped.jsonl");
  CHECK(std::count(list.begin(), list.end(), '\n') == 2);
  std::ofstream(t / "run/skipped.jsonl", std::ios::app) << "{\"torn";
  train(t, "run", lossy, 0, total);
  CHECK(test::read_text(t / "run/skipped.jsonl") == list);
}

TEST_CASE("what has changed since a checkpoint is said, and refused if numbers depend on it") {
  const ModelFolder t;
  train(t, "run", {"--max_steps", "1"}, 0, "saved ");
  train(t, "run", {"--max_steps", "1"}, 0, "nothing has changed since");
  train(t, "run", {"--max_steps", "1", "--keep", "7"}, 0, "option   keep  2       7\n");
  for (const Words& other : {Words{"--max_grad_norm", "7"}, Words{"--num_warmup_steps", "1"}, Words{"--seed", "5"}})
    train(t, "run", other, 5, "--> " + other[0] + "\n");
  const std::string picture = test::read_text(t / "images/0.png"), config = test::read_text(t / "vision/config.json");
  t.write("vision/config.json", config + " ");
  train(t, "run", {}, 5, "--> model: vision/config.json");
  t.write("vision/config.json", config);
  const std::string data = test::read_text(t / "second.json");
  t.write("second.json", data + "\n");
  train(t, "run", {}, 5, "--> data: file 2");
  t.write("second.json", data);
  train(t, "run", {"--zero_stage", "2"}, 0, "going on after step 1");  // of one process: nothing is shared
}

TEST_CASE("a state that a run never has is refused") {
  const ModelFolder t;
  train(t, "run", {"--max_steps", "1"}, 0, "saved ");
  const std::string folder = t / "run/checkpoints/step-00000001/";
  std::string state = test::read_text(folder + "run_state.json");
  const std::string position = "\"micro_batch\": 2";
  REQUIRE(state.find(position) != state.npos);
  state.replace(state.find(position), position.size(), "\"micro_batch\": 3");
  CheckpointManifest m = RunCheckpoint(folder).manifest();
  m.files.back() = {"run_state.json", state.size(), StreamHash().add(state).text()};
  t.write("run/checkpoints/step-00000001/run_state.json", state);
  t.write("run/checkpoints/step-00000001/manifest.json", manifest_text(m));
  train(t, "run", {}, 5, "error[CKPT-MANIFEST-002]");
}
