#include <catch2/catch.hpp>
#include <set>
#include <vlt/options/option_pages.hpp>
#include <vlt/options/parse_options.hpp>
#include <vlt/program/check_options.hpp>

using namespace vlt;

namespace {

const OptionTable<program::SftOptions> rows = program::sft_option_table({"baseline", "vit", "perceiver", "mlp"});

program::SftOptions read(const Words& args, const std::string& config = "") {
  program::SftOptions o;
  OptionReader<program::SftOptions> reader(rows, o);
  reader.command_line(args);
  if (!config.empty()) reader.config_file(config, "c.json");
  return o;
}
// What every run needs.
Words enough(Words more) {
  Words all{"--data_path",
            "d.json",
            "--lm_model_name_or_path",
            "lm",
            "--vision_model_name_or_path",
            "v",
            "--output_dir",
            "out",
            "--precision",
            "bf16"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}
Complaint refused(const Words& args, const std::string& config = "") {
  try {
    program::SftOptionCheck(rows, read(args, config))();
  } catch (const Error& e) {
    CHECK(e.exit() == ExitCode::usage);
    return e.complaint();
  }
  FAIL("accepted");
  return {};
}

}  // namespace

TEST_CASE("every option has a name of its own, a meaning and a group") {
  std::set<std::string> names;
  for (const auto& r : rows.rows) {
    CHECK(names.insert(r.name).second);
    CHECK(r.meaning.size() > 10);
    CHECK(r.meaning.back() == '.');
    CHECK(!r.group.empty());
  }
}

TEST_CASE("values arrive where they belong") {
  const program::SftOptions o = read({"--data_path", "a.json", "b.json", "--learning_rate=2.5e-4", "--seed", "7",
                                      "--is_sft_stage", "--vision_feature_layer", "-2", "--lora_alpha", "8"});
  CHECK(o.data_path == Words{"a.json", "b.json"});
  CHECK(o.learning_rate == 2.5e-4);
  CHECK(o.seed == 7);
  CHECK(o.is_sft_stage);
  CHECK(o.vision_feature_layer == -2);
  CHECK(o.lora_alpha == 8.0);
  CHECK(!o.vision_learning_rate);
  CHECK(o.num_train_epochs == 6);
}

TEST_CASE("a shown value reads back as itself") {
  const program::SftOptions o =
      read(enough({"--learning_rate", "0.1", "--dataset_samples", "12", "--max_grad_norm", "1e-7"}));
  program::SftOptions again;
  for (const auto& r : rows.rows)
    if (!r.is_flag() && !option_value(o, r).empty()) {
      Words words;
      std::istringstream in(option_value(o, r));
      for (std::string w; in >> w;) words.push_back(w);
      set_option(again, r, words, "test");
    }
  for (const auto& r : rows.rows)
    if (!r.is_flag()) CHECK(option_value(again, r) == option_value(o, r));
}

TEST_CASE("the command line wins over the configuration file") {
  const program::SftOptions o =
      read({"--seed", "7"}, R"({"seed": 8, "learning_rate": 0.5, "is_sft_stage": true, "data_path": ["a", "b"]})");
  CHECK(o.seed == 7);
  CHECK(o.learning_rate == 0.5);
  CHECK(o.is_sft_stage);
  CHECK(o.data_path == Words{"a", "b"});
}

TEST_CASE("mistakes on the command line are named") {
  const auto [args, code] = GENERATE(table<Words, std::string>({
      {{"--vis_prj", "mlp"}, "OPT-NAME-001"},
      {{"--seed", "1", "--seed", "2"}, "OPT-TWICE-002"},
      {{"--seed"}, "OPT-VALUE-003"},
      {{"--seed", "1", "2"}, "OPT-VALUE-003"},
      {{"--learning_rate", "nan"}, "OPT-VALUE-004"},
      {{"--learning_rate", "-1"}, "OPT-VALUE-004"},
      {{"--learning_rate", "1e-3x"}, "OPT-VALUE-004"},
      {{"--per_device_train_batch_size", "0"}, "OPT-VALUE-004"},
      {{"--zero_stage", "4"}, "OPT-VALUE-004"},
      {{"--num_train_epochs", "0"}, "OPT-VALUE-004"},
      {{"--gradient_accumulation_steps", "0"}, "OPT-VALUE-004"},
      {{"--eval_step", "-1"}, "OPT-VALUE-004"},
      {{"--seed", "1.5"}, "OPT-VALUE-004"},
      {{"--precision", "fp64"}, "OPT-CHOICE-005"},
      {{"--vis_proj", "x"}, "OPT-CHOICE-005"},
      {{"--offload", "yes"}, "OPT-FLAG-006"},
      {{"--offload=yes"}, "OPT-FLAG-006"},
      {{"train"}, "OPT-WORD-011"},
  }));
  INFO(option_text::joined(args));
  CHECK(refused(args).code() == code);
}

TEST_CASE("an option without its value is told what it takes") {
  CHECK(refused({"--output_dir"}).expected() == "a text");
  CHECK(refused({"--data_path"}).expected() == "a text");
  CHECK(refused({"--seed"}).expected() == "an integer of at least 0 and at most 4294967295");
  CHECK(refused({"--vis_proj"}).expected() == "baseline, vit, perceiver, mlp");
}

TEST_CASE("words that are not UTF-8 are refused: they could not be written down") {
  const Complaint c = refused({"--output_dir", "caf\xe9"});
  CHECK(c.code() == "OPT-TEXT-022");
  CHECK(c.found() == "\"caf\\xe9\", wrong at byte 3");
}

TEST_CASE("a name that is nearly right is suggested") {
  CHECK(refused({"--vis_prj", "mlp"}).help().find("--vis_proj") != std::string::npos);
  CHECK(refused({"--vis_proj", "perciever"}).help().find("perceiver") != std::string::npos);
}

TEST_CASE("mistakes in a configuration file are named") {
  CHECK(refused({}, R"({"vis_prj": "mlp"})").place() == "c.json: $.vis_prj");
  CHECK(refused({}, R"({"seed": "x"})").code() == "OPT-VALUE-004");
  CHECK(refused({}, R"({"offload": "yes"})").code() == "OPT-CONFIG-010");
  CHECK(refused({}, R"({"config": "other.json"})").code() == "OPT-CONFIG-010");
  CHECK(refused({}, "[]").code() == "OPT-CONFIG-010");
  CHECK(refused({}, R"({"seed": [1]})").what() == "this option takes one value");
  CHECK(refused({}, R"({"output_dir": "a\u0000b"})").code() == "OPT-CONFIG-010");
  CHECK(refused({}, R"({"seed": 1, "seed": 2})").code() == "OPT-JSON-005");
  CHECK(refused({}, "{").code() == "OPT-JSON-001");
}

TEST_CASE("what is not built yet is refused with a sentence") {
  const Words args{"--device", "cuda"};
  INFO(option_text::joined(args));
  const Complaint c = refused(enough(args));
  CHECK(c.code() == "OPT-LATER-008");
  CHECK(c.place() == args[0]);
  CHECK(c.what().size() > 20);
}

TEST_CASE("fp16 is the default") {
  const program::SftOptions o = read(
      {"--data_path", "d", "--lm_model_name_or_path", "l", "--vision_model_name_or_path", "v", "--output_dir", "o"});
  CHECK_NOTHROW(program::SftOptionCheck(rows, o)());
  CHECK(o.precision == name(Precision::f16));
}

TEST_CASE("contradictions are refused") {
  CHECK(refused(enough({"--only_optimize_lora"})).place() == "--only_optimize_lora");
  CHECK(refused(enough({"--lora_alpha", "2"})).place() == "--lora_alpha");
  CHECK(refused(enough({"--lang_lora_module_name", "q_proj"})).place() == "--lang_lora_module_name");
  CHECK(refused(enough({"--plan", "--eval_only"})).code() == "OPT-CONFLICT-009");
  CHECK(refused(enough({"--dataset_names", "llava_sft", "llava_sft"})).place() == "--dataset_names");
  CHECK_NOTHROW(program::SftOptionCheck(rows, [] {
    program::SftOptions o = read(enough({}));
    return o.data_path = {"a.json", "b.json"}, o;
  }())());
  CHECK(refused(enough({"--dataset_samples", "1", "2"})).place() == "--dataset_samples");
  CHECK(refused(enough({"--early_stop", "2", "--eval_step", "0"})).place() == "--early_stop");
  CHECK(refused(enough({"--keep_best", "loss", "--eval_step", "0"})).place() == "--keep_best");
  CHECK(refused(enough({"--dataset_samples", "some"})).code() == "OPT-VALUE-004");
  CHECK(refused(enough({"--dataset_concatenate_samples", "1", "2"})).place() == "--dataset_concatenate_samples");
  CHECK(refused(enough({"--dataset_concatenate_samples", "0"})).code() == "OPT-VALUE-004");
  CHECK(refused(enough({"--dataset_concatenate_samples", "all"})).code() == "OPT-VALUE-004");
  CHECK(refused({"--data_path", "d", "--precision", "bf16"}).code() == "OPT-REQUIRED-007");
  CHECK(refused(enough({"--from_checkpoint", "a", "b"})).code() == "OPT-VALUE-003");
  CHECK(refused(enough({"--from_checkpoint", "auto", "a", "b"})).code() == "OPT-VALUE-003");
  CHECK(refused(enough({"--from_checkpoint", "auto", "--eval_only"})).place() == "--eval_only");
  CHECK(refused({"--data_path", "d", "--precision", "bf16", "--output_dir", "o", "--from_checkpoint", "auto",
                 "--vision_model_name_or_path", "v"})
            .place() == "--lm_model_name_or_path");
  CHECK(refused({"--data_path", "d", "--precision", "bf16", "--output_dir", "o", "--model_architecture", "llava",
                 "--from_checkpoint", "auto"})
            .expected() == "`auto` and a LLaVA folder");
  for (Words trains : {Words{"--vis_encoder_update"}, Words{"--vis_lora_dim", "2"}}) {
    const std::string option = trains[0];
    trains.insert(trains.end(), {"--cache_vision_features", "memory"});
    CHECK(refused(enough(trains)).help().ends_with(option));
  }
  CHECK_NOTHROW(program::SftOptionCheck(rows, read(enough({"--from_checkpoint", "auto"})))());
  CHECK_NOTHROW(program::SftOptionCheck(rows, read(enough({"--from_checkpoint", "auto", "a"})))());
  CHECK_NOTHROW(program::SftOptionCheck(rows, read(enough({"--only_optimize_lora", "--lang_lora_dim", "2"})))());
}

TEST_CASE("all that is missing or contradicts is said at once") {
  const Complaint c = refused({"--precision", "bf16", "--only_optimize_lora", "--output_dir", "o"});
  CHECK(c.code() == "OPT-REQUIRED-007");
  CHECK(c.what() == "4 options are missing or wrong");
  CHECK(c.found() ==
        "--data_path: this option is required\n"
        "--only_optimize_lora: no LoRA was asked for; add --lang_lora_dim or --vis_lora_dim\n"
        "--lm_model_name_or_path: this option is required\n--vision_model_name_or_path: this option is required");
}

TEST_CASE("names of other trainers are answered with ours") {
  const auto [theirs, ours] =
      GENERATE(table<std::string, std::string>({{"lr", "--learning_rate"},
                                                {"bf16", "--precision bf16"},
                                                {"lora_r", "--lang_lora_dim"},
                                                {"report_to", "--enable_tensorboard"},
                                                {"model_name_or_path", "--lm_model_name_or_path"},
                                                {"resume_from_checkpoint", "--from_checkpoint auto"}}));
  const Complaint c = refused({"--" + theirs, "1"});
  CHECK(c.code() == "OPT-NAME-001");
  CHECK(c.help() == "give " + ours);
  CHECK(refused({}, "{\"" + theirs + "\": 1}").help() == "give " + ours);
}

TEST_CASE("a name of other trainers is none of ours, and what it is answered with is") {
  for (const auto& [theirs, ours] : rows.elsewhere) {
    CHECK(rows.find(theirs) == nullptr);
    CHECK(rows.find(ours.substr(2, ours.find(' ') - 2)) != nullptr);
  }
}

TEST_CASE("the receipt of a run is a configuration file: what differs from the defaults was given") {
  program::SftOptions before = read(enough({"--seed", "7", "--learning_rate", "1", "--lora_alpha", "8", "--plan"}));
  before.config = "old.json";
  const std::string receipt = boost::json::serialize(boost::json::object{
      {"program", "sft_main"}, {"options", options_json(rows, before)}, {"hashes", boost::json::object{}}});
  program::SftOptions o;
  OptionReader<program::SftOptions> reader(rows, o);
  reader.command_line({"--seed", "9", "--output_dir", "other"});
  reader.config_file(receipt, "receipt.json");
  CHECK(reader.given() == std::set<std::string>{"data_path", "learning_rate", "lm_model_name_or_path", "lora_alpha",
                                                "output_dir", "plan", "precision", "seed",
                                                "vision_model_name_or_path"});
  before.seed = 9, before.output_dir = "other", before.config = "";
  CHECK(options_json(rows, o) == options_json(rows, before));
}

TEST_CASE("options on which numbers depend are the same when a run goes on") {
  std::string fixed;
  for (const auto& r : rows.rows)
    if (!r.may_differ && r.group != program::sft_rows::jobs_group) fixed += " " + r.name;
  CHECK(
      fixed ==
      " data_train_split_ratio dataset_names dataset_samples dataset_concatenate_samples max_num_image_per_sample "
      "max_seq_len truncation template packing model_architecture vis_proj enable_mmca_attention vision_feature_layer "
      "vision_feature_select precision vis_encoder_update lang_decoder_update lang_lora_dim vis_lora_dim "
      "lang_lora_module_name vis_lora_module_name lora_alpha only_optimize_lora per_device_train_batch_size "
      "gradient_accumulation_steps num_train_epochs learning_rate learning_rate_pretraining_components "
      "vision_learning_rate projector_learning_rate language_learning_rate lr_scheduler_type num_warmup_steps "
      "weight_decay max_grad_norm adam_beta1 adam_beta2 adam_epsilon seed");
}

TEST_CASE("the pages show every option") {
  const ProgramPage program{"sft_main", "trains", {"--first line", "--second line"}};
  const std::string help = help_page(rows, program, "all"), page = markdown_page(rows, "sft_main");
  const std::string first = help_page(rows, program, "");
  const auto receipt = options_json(rows, program::SftOptions{});
  for (const auto& r : rows.rows) {
    CHECK(help.find("--" + r.name + (r.is_flag() ? "\n" : r.may_stand_alone() ? " [word]\n" : " <")) != help.npos);
    CHECK(first.find(r.name) != first.npos);
    CHECK(page.find("| `" + r.name + "` |") != page.npos);
    CHECK(receipt.contains(r.name));
  }
  CHECK_THAT(first, Catch::StartsWith("sft_main: trains\n\nUsage: sft_main --name value ... --flag ...\n\n"
                                      "    sft_main --first line \\\n      --second line\n"));
  CHECK(std::count(first.begin(), first.end(), '\n') <= 40);
}

TEST_CASE("--help explains an option, or a group of them") {
  const ProgramPage program{"sft_main", "trains", {}};
  CHECK(help_page(rows, program, "seed") ==
        "Optimisation\n  --seed <integer>  [1234]\n      Of every random number. (an integer of at least 0 and at most "
        "4294967295)\n");
  CHECK(help_page(rows, program, "--seed") == help_page(rows, program, "seed"));
  CHECK_THAT(help_page(rows, program, "limits"),
             Catch::StartsWith("Limits of input\n  --limit_json_depth") && !Catch::Contains("--seed"));
  CHECK(help_page(rows, program, "Limits of input") == help_page(rows, program, "limits"));
  CHECK(read({"--help", "data"}).help == "data");
  CHECK(read({"--help"}).help == "");
  CHECK(!read({}).help);
  try {
    help_page(rows, program, "sed");
    FAIL("accepted");
  } catch (const Error& e) { CHECK(e.complaint().help() == "did you mean `--help seed`?"); }
}
