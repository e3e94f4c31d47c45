// sft_main in one process: what a training writes, what comes back from it, and the jobs that train nothing.
#include <unit/program/small_training.hpp>

using namespace small_program;

namespace {

const Words everything{"--vis_encoder_update", "--lang_decoder_update"};

std::vector<double> losses(const MetricsHistory& m) {
  std::vector<double> all;
  for (const StepMetrics& s : m.steps) all.push_back(s.loss);
  for (const EvalMetrics& e : m.evaluations) all.push_back(e.eval_loss);
  return all;
}
// What stands between the first two of these, from a place on.
std::string between(const std::string& text, const std::string& left, const std::string& right, std::size_t& at) {
  at = text.find(left, at);
  if (at == text.npos) return {};
  const std::size_t begin = at + left.size(), end = text.find(right, begin);
  at = end;
  return text.substr(begin, end - begin);
}
std::vector<std::string> all_between(const std::string& text, const std::string& left, const std::string& right) {
  std::vector<std::string> all;
  for (std::size_t at = 0;;) {
    const std::string found = between(text, left, right, at);
    if (at == text.npos) return all;
    all.push_back(found);
  }
}

}  // namespace

TEST_CASE("a training writes its metrics, and models whose losses come back") {
  const ModelFolder t;
  const Ran r = t.train("run", command({everything, {"--log_step", "3", "--log_format", "json"}}));
  INFO(r.errors);
  REQUIRE(r.exit == 0);
  const MetricsHistory m = t.metrics("run");
  REQUIRE(m.steps.size() == 4);
  REQUIRE(m.evaluations.size() == 2);
  for (std::size_t i = 0; i < 4; ++i) {
    const StepMetrics& s = m.steps[i];
    CHECK(s.step == Index(i) + 1);
    CHECK(s.epoch == 0.5 * double(i + 1));
    CHECK((s.lr == 0.02 && s.lr_vision == 0.02 && s.lr_language == 0.02));
    CHECK((s.grad_norm > 0 && s.tokens_per_s > 0 && s.images_per_s > 0 && s.mfu > 0 && s.memory > 1 << 20));
    CHECK((s.token_accuracy >= 0 && s.token_accuracy <= 1));
    for (const auto& [name, loss] : s.loss_by_dataset) CHECK(((name == "first" || name == "second") && loss > 0));
  }
  CHECK(m.steps[3].loss < m.steps[0].loss);
  CHECK(m.steps[0].tokens + m.steps[1].tokens == m.steps[2].tokens + m.steps[3].tokens);
  CHECK(m.steps[0].supervised_tokens + m.steps[1].supervised_tokens ==
        m.steps[2].supervised_tokens + m.steps[3].supervised_tokens);

  for (const std::size_t epoch : {0u, 1u}) {
    CHECK(m.evaluations[epoch].step == Index(2 + 2 * epoch));
    const auto again = t.evaluated("run/epoch-" + std::to_string(epoch));
    CHECK(again.at("eval_loss").as_double() == Approx(m.evaluations[epoch].eval_loss).epsilon(1e-6));
    CHECK(again.at("token_accuracy").to_number<double>() == m.evaluations[epoch].token_accuracy);
    CHECK(again.at("records").as_int64() == 2);
    CHECK(again.at("supervised_tokens").as_int64() > 4);
    CHECK(again.at("loss_by_dataset").as_object().size() == 2);
  }
  CHECK_FALSE(t.has("run/epoch-2"));

  std::vector<Index> shown, evaluated;
  std::string notes;
  for (const auto& line : json_lines(r.out)) {
    if (line.contains("loss")) shown.push_back(line.at("step").as_int64());
    else if (line.contains("eval_loss")) evaluated.push_back(line.at("step").as_int64());
    else notes += std::string(line.at("note").as_string()) + "\n";
  }
  CHECK(shown == std::vector<Index>{3, 4});
  CHECK(evaluated == std::vector<Index>{2, 4});
  CHECK_THAT(notes, Catch::Contains("split: 8 training, 2 evaluation, 0 not selected") &&
                        Catch::Contains("component ") && Catch::Contains("one optimiser step") &&
                        Catch::Contains("wrote " + t / "run/epoch-0") &&
                        Catch::Contains("wrote " + t / "run/epoch-1") &&
                        Catch::Contains("wrote " + t / "run/report.html") && !Catch::Contains("records have errors"));
  CHECK_THAT(r.errors, Catch::Contains("pre-trained tensors train at 0.02, above 1e-4"));
  CHECK_THAT(r.errors, Catch::Contains("\"code\": \"OPT-RATE-028\"") &&
                           Catch::Contains("\"encoder (3040 parameters), ") &&
                           Catch::Contains("add --learning_rate_pretraining_components 1e-5\""));
}

TEST_CASE("a training keeps a receipt of what it was asked, and a list of what it left out") {
  const ModelFolder t;
  REQUIRE(t.train("run", {"--max_steps", "1", "--eval_step", "0", "--seed", "5"}).exit == 0);
  const auto receipt = boost::json::parse(test::read_text(t / "run/receipt.json")).as_object();
  CHECK(receipt.at("program").as_string() == "sft_main");
  CHECK(receipt.at("version").as_string() == "7.8.9");
  CHECK((receipt.at("threads").as_int64() == 1 && receipt.at("workers").as_int64() == 1));
  CHECK(receipt.at("tokens_per_image").as_int64() == tokens_per_image);
  CHECK_FALSE(receipt.contains("tokens_per_tile"));
  CHECK(receipt.at("records") == boost::json::object{{"train", 8}, {"eval", 2}, {"not_selected", 0}});
  CHECK(receipt.at("options").at("seed").as_int64() == 5);
  CHECK(receipt.at("options").at("learning_rate").as_double() == 0.02);
  CHECK(receipt.at("template").as_object().contains("user"));
  CHECK(receipt.at("unix_time").as_int64() > 1500000000);
  CHECK(receipt.at("image_decoders").as_string() == image::ImageDecoder::id());
  CHECK(receipt.at("instruction_set").as_string() == instruction_set());
  CHECK(receipt.at("compiler").as_string() == __VERSION__);
  const auto& ranks = receipt.at("ranks").as_array();
  REQUIRE(ranks.size() == 1);
  CHECK(ranks[0].at("local_rank").as_int64() == 0);
  CHECK_FALSE((ranks[0].at("machine").as_string().empty() || ranks[0].at("cores").as_string().empty()));
  const auto& hashes = receipt.at("hashes").as_object();
  CHECK(hashes.size() == 5);
  for (const char* name :
       {"first.json", "second.json", "language/config.json", "language/tokenizer.json", "vision/config.json"})
    CHECK(hashes.at(t / name).as_string() == file_hash(open_file(t / name)));

  const StepMetrics step = t.metrics("run").steps.at(0);
  CHECK((step.lr == 0.02 && step.lr_language == 0.02 && !step.lr_vision));

  const auto skipped = json_lines(test::read_text(t / "run/skipped.jsonl"));
  REQUIRE(skipped.size() == 1);
  CHECK(skipped[0].at("id").as_string() == "bad");
  CHECK(skipped[0].at("index").as_int64() == 4);
  CHECK_FALSE(t.has("run/.lock"));
  const Ran again = t.train("run", {});
  CHECK(again.exit == 2);
  CHECK_THAT(again.errors, Catch::Contains("OPT-OUT-012"));
}

TEST_CASE("a picture that cannot be decoded is left out once, or ends the run where it is one too many") {
  const ModelFolder t;
  t.write("images/3.png", torn_picture);
  const Ran r = t.train("run", {"--max_bad_fraction", "0.19", "--data_train_split_ratio", "1"});
  INFO(r.errors);
  REQUIRE(r.exit == 0);
  const auto skipped = json_lines(test::read_text(t / "run/skipped.jsonl"));
  REQUIRE(skipped.size() == 2);
  CHECK(skipped[1].at("id").as_string() == "p3");
  CHECK(skipped[1].at("code").as_string().starts_with("DATA-IMAGE-"));
  CHECK_THAT(r.errors, Catch::Contains("warning[DATA-IMAGE-") && Catch::Contains("3.png"));
  CHECK_THAT(r.out, Catch::Contains("2 of 11 records have errors, 1 of them found while decoding"));
  const Ran ended = t.train("ended", {"--max_bad_fraction", "0.18"});
  CHECK(ended.exit == 3);
  CHECK_THAT(ended.errors, Catch::Contains("2 of 11 records have errors") && Catch::Contains("ended/skipped.jsonl"));
}

TEST_CASE("a report shows figures, components, memory, data, options, and answers before and after") {
  const ModelFolder t;
  const Words still{"--learning_rate", "0", "--data_train_split_ratio", "0.2", "--num_train_epochs", "3"};
  REQUIRE(t.train("still", still).exit == 0);
  const std::string page = test::read_text(t / "still/report.html");
  CHECK_THAT(page, Catch::Contains("<title>VLTune: still</title>") && Catch::Contains("finished after 2 steps"));
  CHECK_THAT(page, !Catch::Contains("http-equiv=\"refresh\""));
  for (const char* fact : {"parameters", "of them trained", "steps", "loss", "tokens per second", "eval loss",
                           "token accuracy", "peak memory"})
    CHECK_THAT(page, Catch::Contains("</b><span>" + std::string(fact) + "</span>"));
  for (const char* section : {"Components", "Data", "Memory plan", "Options"})
    CHECK_THAT(page, Catch::Contains("<h2>" + std::string(section) + "</h2>"));
  CHECK_THAT(page, Catch::Contains("step: activations") && Catch::Contains("<td>total</td>") &&
                       Catch::Contains("<td>learning_rate</td><td>0</td>") && Catch::Contains("first.json"));
  CHECK(all_between(page, "</b><span>", "</span>").size() == 8);
  const auto sums = all_between(page, "<tr class=\"sum\"><td>all</td><td class=\"n\">", "</tr>");
  const auto facts = all_between(page, "<b>", "</b>");
  CHECK_THAT(sums.at(0), Catch::StartsWith(facts.at(0) + "</td><td class=\"n\">" + facts.at(1) + "</td>"));
  char accuracy[32];
  std::snprintf(accuracy, sizeof accuracy, "%.4g %%", 100 * *t.metrics("still").evaluations.back().token_accuracy);
  CHECK(facts.at(6) == accuracy);
  CHECK(facts.at(6) != "0 %");
  const auto questions = all_between(page, "<dt>question</dt><dd>", "</dd>");
  const auto before = all_between(page, "<dt>model before training</dt><dd class=\"quiet\">", "</dd>");
  const auto after = all_between(page, "<dt>model now</dt><dd class=\"bad\">", "</dd>");
  REQUIRE(questions.size() == 6);
  CHECK(std::is_sorted(questions.begin(), questions.end(), [](const auto& a, const auto& b) {
    return a.starts_with("&lt;image") && !b.starts_with("&lt;image");
  }));
  CHECK(before == after);
  for (const std::string& answer : before) {
    CHECK(answer.size() == 32);
    CHECK(answer.find_first_not_of(letters) == answer.npos);
  }
  CHECK(std::set(before.begin(), before.end()).size() > 1);

  REQUIRE(t.train("moving", command({everything, {"--learning_rate", "0.1"}})).exit == 0);
  const std::string moved = test::read_text(t / "moving/report.html");
  const auto then = all_between(moved, "<dt>model before training</dt><dd class=\"quiet\">", "</dd>");
  REQUIRE(then.size() == 2);
  CHECK(then != all_between(moved, "<dt>model now</dt><dd class=\"bad\">", "</dd>"));

  const std::size_t digit = questions[0].find_first_of("0123456");
  t.write("images/" + questions[0].substr(digit, 1) + ".png", torn_picture);
  REQUIRE(t.train("torn", command({still, {"--max_bad_fraction", "0.19"}})).exit == 0);
  const std::string torn = test::read_text(t / "torn/report.html");
  const auto others = all_between(torn, "<dt>question</dt><dd>", "</dd>");
  CHECK(others.size() == 6);
  CHECK(std::find(others.begin(), others.end(), questions[0]) == others.end());
  CHECK_THAT(torn, Catch::Contains("<b>1</b><span>records lost while decoding</span>"));
}

TEST_CASE("adapters are trained, exported and trained on") {
  const ModelFolder t;
  const Words lora{"--lang_lora_dim", "2", "--lang_lora_module_name", "q_proj,up_proj",
                   "--vis_lora_dim",  "2", "--only_optimize_lora"};
  REQUIRE(t.train("run", command({lora, {"--is_sft_stage"}})).exit == 0);
  const MetricsHistory m = t.metrics("run");
  CHECK_FALSE(m.steps[0].token_accuracy);
  CHECK_FALSE(m.evaluations[0].token_accuracy);
  for (const char* part : {"language_adapter/adapter_model.safetensors", "vision_adapter/adapter_model.safetensors",
                           "projector", "vltune.json"})
    CHECK(t.has("run/epoch-1/" + std::string(part)));
  CHECK_FALSE(t.has("run/epoch-1/language_model"));
  CHECK_FALSE(t.has("run/epoch-1/vision_model"));
  CHECK(t.evaluated("run/epoch-1").at("eval_loss").as_double() == Approx(m.evaluations[1].eval_loss).epsilon(1e-6));

  const Ran on =
      t.train("on", {"--from_checkpoint", t / "run/epoch-1", "--learning_rate", "0", "--max_steps", "2"}, false);
  INFO(on.errors);
  REQUIRE(on.exit == 0);
  CHECK(t.metrics("on").evaluations.back().eval_loss == Approx(m.evaluations[1].eval_loss).epsilon(1e-6));
  CHECK(t.has("on/epoch-0/language_adapter"));
  const auto json = [&](const std::string& name) { return boost::json::parse(test::read_text(t / name)); };
  CHECK(json("on/receipt.json").at("options").at("lang_lora_dim").as_int64() == 2);
  CHECK(json("run/epoch-1/language_adapter/adapter_config.json").at("base_model_name_or_path").as_string() ==
        t / "language");
  const Ran same =
      t.train("same", command({{"--from_checkpoint", t / "run/epoch-1", "--max_steps", "1"}, lora}), false);
  INFO(same.errors);
  CHECK(same.exit == 0);
  const Ran fewer = t.train(
      "fewer", {"--from_checkpoint", t / "run/epoch-1", "--lang_lora_dim", "2", "--lang_lora_module_name", "q_proj"},
      false);
  CHECK_THAT(fewer.errors, Catch::Contains("OPT-CHECKPOINT-019") && Catch::Contains("up_proj"));
  const Ran other = t.train("other", {"--from_checkpoint", t / "run/epoch-1", "--lang_lora_dim", "4"}, false);
  CHECK(other.exit == 2);
  CHECK_THAT(other.errors, Catch::Contains("OPT-CHECKPOINT-019") && Catch::Contains("--lang_lora_dim"));
}

TEST_CASE("adapters bring their base along where its embedding grew for <image>") {
  const ModelFolder t;
  write_models(t, hub::StoredType::f32, true);
  const std::string ends = R"({"eos_token_id": [0, 1]})";
  t.write("language/generation_config.json", ends);
  REQUIRE(t.train("run", {"--lang_lora_dim", "2", "--only_optimize_lora", "--max_steps", "2"}).exit == 0);
  CHECK((t.has("run/epoch-0/language_model/model.safetensors") && t.has("run/epoch-0/language_adapter")));
  CHECK(test::read_text(t / "run/epoch-0/language_model/generation_config.json") == ends);
  const Ran again = t.train("again", {"--from_checkpoint", t / "run/epoch-0", "--max_steps", "1"}, false);
  CHECK(again.exit == 0);
  CHECK(test::read_text(t / "again/epoch-0/language_model/generation_config.json") == ends);
  CHECK(t.evaluated("run/epoch-0").at("eval_loss").as_double() ==
        Approx(t.metrics("run").evaluations.back().eval_loss).epsilon(1e-6));
}

TEST_CASE("evaluations end a run early and choose the model that is kept as the best; old epochs go") {
  const ModelFolder t;
  const Ran r =
      t.train("run", {"--learning_rate", "0", "--eval_step", "1", "--early_stop", "1", "--keep_best", "loss"});
  INFO(r.errors);
  REQUIRE(r.exit == 0);
  CHECK(t.metrics("run").steps.size() == 2);
  CHECK((t.has("run/epoch-0/projector") && t.has("run/best/projector")));
  CHECK_THAT(r.out, Catch::Contains("wrote " + t / "run/best"));
  CHECK(r.out.find("run/best") == r.out.rfind("run/best"));  // the second evaluation was no better
  CHECK_THAT(test::read_text(t / "run/report.html"),
             Catch::Contains("finished after 2 steps of 4: evaluations found no lower loss"));
  REQUIRE(t.train("kept", {"--keep_epochs", "1", "--is_sft_stage"}).exit == 0);
  CHECK((!t.has("kept/epoch-0") && t.has("kept/epoch-1/projector") && !t.has("kept/best")));
  const Ran worse = t.train("worse", {"--learning_rate", "0.02", "--eval_step", "1", "--keep_best", "loss"});
  const MetricsHistory m = t.metrics("worse");
  CHECK(t.evaluated("worse/best").at("eval_loss").as_double() == Approx(best_evaluation(m)->eval_loss).epsilon(1e-6));
}

TEST_CASE("recomputing blocks changes no number, a rate or a seed does") {
  const ModelFolder t;
  REQUIRE(t.train("usual", everything).exit == 0);
  REQUIRE(t.train("again", command({everything, {"--gradient_checkpointing"}})).exit == 0);
  REQUIRE(t.train("rate", command({everything, {"--language_learning_rate", "0.01"}})).exit == 0);
  REQUIRE(t.train("seed", command({everything, {"--seed", "2"}})).exit == 0);
  REQUIRE(t.train("clipped", command({everything, {"--max_grad_norm", "1e-9"}})).exit == 0);
  const MetricsHistory usual = t.metrics("usual"), rate = t.metrics("rate");
  CHECK(usual.steps[0].loss == t.metrics("clipped").steps[0].loss);
  CHECK(usual.steps[1].loss != t.metrics("clipped").steps[1].loss);
  CHECK(losses(usual) == losses(t.metrics("again")));
  const auto activations = [&](const Words& more) {
    const Ran plan = t.instead(command({t.models(), everything, {"--plan"}, more}));
    return all_between(plan.out, "\nstep ", "\n").at(0);
  };
  CHECK(activations({}) != activations({"--gradient_checkpointing"}));
  CHECK(usual.steps[0].loss == rate.steps[0].loss);
  CHECK(usual.steps[1].loss != rate.steps[1].loss);
  CHECK((rate.steps[0].lr_language == 0.01 && rate.steps[0].lr_vision == 0.02));
  CHECK(usual.steps[0].loss != t.metrics("seed").steps[0].loss);
}

TEST_CASE("a plan, an audit and an evaluation write nothing") {
  const ModelFolder t;
  const Words base = t.models();
  const Ran plan = t.instead(command({base, {"--plan", "--output_dir", t / "none"}}));
  CHECK(plan.exit == 0);
  CHECK_THAT(plan.out, Catch::Contains("planned from the largest audited micro-batch: 2 sequences") &&
                           Catch::Contains("component ") && Catch::Contains("one optimiser step") &&
                           Catch::Contains("decoders"));
  const Ran blind = sft(command({base, {"--plan", "--precision", "fp32", "--max_seq_len", "32"}}));
  CHECK(blind.exit == 0);
  CHECK_THAT(blind.out,
             Catch::Contains("planned from the limits, since there is no --data_path: 2 sequences, 64 tokens"));

  const Ran audit = t.instead(command({base, {"--validate_only", "--data_debug_path", t / "samples"}}));
  CHECK(audit.exit == 0);
  CHECK_THAT(audit.out, Catch::Contains("6 records = 5 used + 1 bad + 0 too long") &&
                            Catch::Contains("wrote 8 samples to " + t / "samples") && !Catch::Contains("component "));
  CHECK(t.has("samples/index.html"));
  const std::string in_order = "p0 p1 p2 p3 t0 p4 p5 p6 t1 t2 ";  // as the files have them
  std::size_t at = 0;
  const auto samples = boost::json::parse(test::read_text(t / "samples/samples.json"));
  for (const auto& sample : samples.as_array()) {
    const std::size_t found = in_order.find(std::string(sample.at("id").as_string()) + " ", at);
    REQUIRE(found != in_order.npos);
    at = found + 1;
  }
  const Ran few = t.instead(command({base, {"--validate_only", "--dataset_samples", "99", "all"}}));
  CHECK_THAT(few.errors, Catch::Contains("warning[DATA-SPLIT-042]"));

  const Ran untrained = t.instead(command({base, {"--eval_only", "--is_sft_stage"}}));
  CHECK(untrained.exit == 0);
  const auto line = json_lines(untrained.out).back();
  CHECK(line.at("eval_loss").as_double() > 0);
  CHECK_FALSE(line.contains("token_accuracy"));
  CHECK_THAT(untrained.errors, !Catch::Contains("above 1e-4"));
  const auto of_all = [&](const char* seed) {
    const Ran r = t.instead(command({base, {"--eval_only", "--data_train_split_ratio", "0", "--seed", seed}}));
    return json_lines(r.out).back();
  };
  const auto all = of_all("1"), other = of_all("2");  // whose projectors begin differently
  const double loss = all.at("eval_loss").as_double();
  const double first = all.at("loss_by_dataset").at("first").as_double();
  const double second = all.at("loss_by_dataset").at("second").as_double();
  CHECK((std::min(first, second) < loss && loss < std::max(first, second)));
  CHECK(loss != other.at("eval_loss").as_double());
  CHECK_FALSE(t.has("none"));

  t.write("images/2.png", "no picture");
  const Ran strict = t.instead(command({base, {"--validate_only", "--max_bad_fraction", "0"}}));
  CHECK(strict.exit == 3);
  CHECK_THAT(strict.errors, Catch::Contains("missing.png") && Catch::Contains("2.png"));
}

TEST_CASE("a training without evaluation says so, and what cannot train is refused") {
  const ModelFolder t;
  const Ran r =
      t.train("run", {"--eval_step", "0", "--max_steps", "1", "--learning_rate_pretraining_components", "1e-4"});
  REQUIRE(r.exit == 0);
  CHECK_THAT(r.errors, Catch::Contains("evaluation is off") && !Catch::Contains("1e-4"));
  const Ran asked = t.train("asked", {"--eval_step", "0", "--max_steps", "1", "--lang_lora_dim", "2",
                                      "--learning_rate_pretraining_components", "1e-2"});
  CHECK_THAT(asked.errors,
             Catch::Contains("note: pre-trained tensors train faster than 1e-4, as asked: embedding at 0.01"));
  CHECK_THAT(asked.errors, !Catch::Contains("OPT-RATE-028"));
  CHECK(t.metrics("run").evaluations.empty());
  CHECK(t.has("run/epoch-0/projector"));
  const auto refused = [&](const Words& more, int exit, const char* says) {
    const Ran no = t.train("no", more);
    CHECK(no.exit == exit);
    CHECK_THAT(no.errors, Catch::Contains(says));
  };
  refused({"--precision", "bf16"}, 2, "PRECISIONS");
  refused({"--max_seq_len", "5"}, 2, "OPT-LENGTH-018");
  refused({"--data_train_split_ratio", "0"}, 2, "OPT-DATA-041");
  refused({"--num_warmup_steps", "9"}, 2, "OPT-WARMUP-017");
  refused({"--lang_lora_dim", "2", "--lang_lora_module_name", "nothing"}, 2, "OPT-LORA-014");
}

TEST_CASE("sft_main prints pages instead of training") {
  const auto main = program::sft_main<Build>;
  const Ran version = run_main(main, {"sft_main", "--version"});
  CHECK(version.exit == 0);
  CHECK_THAT(version.out, Catch::Contains("7.8.9") && Catch::Contains("image decoders: "));
  CHECK_THAT(run_main(main, {"sft_main", "--help"}).out,
             Catch::StartsWith("sft_main: fine-tunes") && Catch::Contains(" lang_lora_dim "));
  CHECK_THAT(run_main(main, {"sft_main", "--help", "seed"}).out, Catch::Contains("Of every random number"));
  CHECK_THAT(run_main(main, {"sft_main", "--print_limits"}).out,
             Catch::Contains("limit_image_side 16384\n") && !Catch::Contains("seed"));
  CHECK_THAT(run_main(main, {"sft_main", "--explain", "OPT-OUT-012"}).out, Catch::Contains("OPT-OUT-012"));
  CHECK_THAT(run_main(main, {"sft_main", "--print_options_md"}).out,
             Catch::Contains("sft_main") && Catch::Contains("limit_image_side"));
  const Ran wrong = run_main(main, {"sft_main", "--sed", "1"});
  CHECK(wrong.exit == 2);
  CHECK_THAT(wrong.errors, Catch::StartsWith("sft_main: error[OPT-NAME-001]"));
  const ModelFolder t;
  Words args{"sft_main", "--plan"};
  for (const Words& words : {t.data(), t.models()}) args.insert(args.end(), words.begin(), words.end());
  CHECK_THAT(run_main(main, args).out, Catch::Contains("planned from"));
}
