// merge_lora in one process: the merged folder gives the logits of the model with its adapters.
#include <unit/program/small_program.hpp>
#include <vlt/program/merge_program.hpp>
#include <vlt/program/merge_run.hpp>

using namespace small_program;

namespace {

Ran merge(Words args) {
  std::ostringstream out, errors;
  program::Messages messages(errors, "merge_lora", "0");
  args.insert(args.end(), {"--num_threads", "1"});
  const program::MergeRunner runner = [](program::MergeJob& job) {
    return program::run_merge<P>(job, kinds().models<P>());
  };
  const int code = program::run_program(messages, [&] {
    program::MergeProgram run(kinds().known(), kinds().compiled(), runner, messages, out);
    return run(args);
  });
  return {code, out.str(), errors.str()};
}

struct ModelFolder : TemporaryFolder {
  // size: of the adapters' numbers
  explicit ModelFolder(hub::StoredType type = hub::StoredType::f32, double size = 0.5) {
    write_models(*this, type);
    export_model(*this, "adapted", true, size);
  }
  Ran merged() const { return merge({"--model", *this / "adapted", "--output_dir", *this / "merged"}); }
  bool has(const std::string& name) const { return std::filesystem::exists(*this / name); }
};

// Logits of a model folder, with its adapters or without.
std::vector<float> logits(const std::string& folder, bool adapters = true) {
  const ExportedModel e = describe_exported_model(kinds().known(), folder);
  Threads threads(1);
  MergeableModel<P> model(kinds().models<P>(), kinds().compiled(), e, threads);
  return adapters ? model.probed() : model.probed_base();
}
double number_after(const std::string& text, const std::string& words) {
  const std::size_t at = text.find(words);
  REQUIRE(at != text.npos);
  return std::stod(text.substr(at + words.size()));
}

}  // namespace

TEST_CASE("a merged model has no adapters and the same logits") {
  const ModelFolder t;
  const Ran r = t.merged();
  INFO(r.errors);
  REQUIRE(r.exit == 0);
  const std::vector<float> apart = logits(t / "adapted"), base = logits(t / "adapted", false);
  const std::vector<float> merged = logits(t / "merged");
  CHECK(relative_difference(apart, merged) < 1e-5);
  CHECK(relative_difference(apart, base) > 0.1);
  CHECK(number_after(r.out, "the adapters change the probe's logits by ") ==
        Approx(relative_difference(apart, base)).epsilon(0.06));
  CHECK(number_after(r.out, "merging by ") < 1e-5);
  CHECK_THAT(r.out, Catch::EndsWith("wrote " + t / "merged" + "\n"));
  CHECK(r.errors.empty());
  CHECK((t.has("merged/language_model/model.safetensors") && t.has("merged/vision_model/model.safetensors")));
  CHECK((t.has("merged/projector") && t.has("merged/vltune.json")));
  for (const char* name : {"tokenizer.json", "tokenizer_config.json"})
    CHECK(test::read_text(t / "merged/language_model/" + name) ==
          test::read_text(t / "adapted/language_adapter/" + name));
  CHECK_FALSE((t.has("merged/language_adapter") || t.has("merged/vision_adapter")));
  CHECK_FALSE(describe_exported_model(kinds().known(), t / "merged").language_adapters.rank > 0);
}

TEST_CASE("merged weights keep the type they are stored in") {
  const ModelFolder t(hub::StoredType::bf16);
  const Ran r = t.merged();
  INFO(r.errors);
  REQUIRE(r.exit == 0);
  const auto type_of = [&](const std::string& part, const std::string& name) {
    return hub::WeightFolder(vlt::Folder(t / "merged/" + part)).find(name).tensor->type;
  };
  CHECK(type_of("language_model", "model.layers.0.self_attn.q_proj.weight") == hub::StoredType::bf16);
  CHECK(type_of("language_model", "model.embed_tokens.weight") == hub::StoredType::bf16);
  CHECK(type_of("vision_model", "vision_model.encoder.layers.0.mlp.fc1.weight") == hub::StoredType::f32);
  CHECK(number_after(r.out, "merging by ") > 1e-5);
  CHECK(relative_difference(logits(t / "adapted"), logits(t / "merged")) < 0.06);
}

TEST_CASE("adapters that rounding hides are told of, those that do nothing are not") {
  for (const auto& [type, size, hidden] : {std::tuple{hub::StoredType::bf16, 0.5, false},
                                           {hub::StoredType::bf16, 0.01, true},
                                           {hub::StoredType::bf16, 0.0, false},
                                           {hub::StoredType::f32, 0.01, false},
                                           {hub::StoredType::f32, 0.0, false}}) {
    INFO(hub::facts(type).name << ", " << size);
    const ModelFolder t(type, size);
    const Ran r = t.merged();
    INFO(r.out << r.errors);
    CHECK(r.exit == 0);
    CHECK(t.has("merged/language_model"));
    CHECK((r.errors.find("hides most of what the adapters do") != r.errors.npos) == hidden);
    CHECK((number_after(r.out, "the adapters change the probe's logits by ") == 0) == (size == 0));
  }
}

TEST_CASE("adapters that a narrow type cannot hold are not merged") {
  const ModelFolder t(hub::StoredType::f16, 1000);
  const Ran r = t.merged();
  CHECK(r.exit == 7);
  CHECK_THAT(r.errors, Catch::Contains("NUM-MERGE-002") && Catch::Contains("a finite number in F16") &&
                           Catch::Contains("q_proj.weight"));
  CHECK_FALSE(t.has("merged"));
  CHECK(std::distance(std::filesystem::directory_iterator(t.path), {}) == 3);  // the models, and nothing hidden
}

TEST_CASE("what merge_lora is asked must be there and new") {
  const ModelFolder t;
  const auto refused = [&](const Words& args, int exit, const char* code, const char* says) {
    const Ran r = merge(args);
    CHECK(r.exit == exit);
    CHECK_THAT(r.errors, Catch::Contains(code) && Catch::Contains(says));
    CHECK(r.out.empty());
  };
  export_model(t, "plain", false);
  refused({"--output_dir", t / "x"}, 2, "OPT-REQUIRED-007", "--model");
  refused({"--model", t / "adapted"}, 2, "OPT-REQUIRED-007", "--output_dir");
  refused({"--model", t / "adapted", "--output_dir", t / "plain//"}, 2, "OPT-OUT-012", "plain");
  refused({"--model", t / "adapted", "--output_dir", "/"}, 2, "OPT-OUT-012", "--output_dir /");
  refused({"--model", t / "plain", "--output_dir", t / "x"}, 4, "MODEL-MERGE-001", "plain");
  refused({"--model", t / "none", "--output_dir", t / "x"}, 4, "MODEL", "none");
  CHECK_FALSE(t.has("x"));
  std::ostringstream out, errors;
  program::Messages messages(errors, "merge_lora", "0");
  program::MergeProgram none(kinds().known(), CompiledIn{}, {}, messages, out);
  CHECK_THROWS_AS(none({"--model", t / "adapted", "--output_dir", t / "x"}), Error);
  int threads = 0;
  const program::MergeRunner counts = [&](program::MergeJob& job) {
    return threads = job.threads->count(), ExitCode::ok;
  };
  const int cores = int(allowed_cores().size());
  for (const int wanted : {0, 1, cores + 2}) {
    program::MergeProgram counting(kinds().known(), kinds().compiled(), counts, messages, out);
    counting({"--model", t / "adapted", "--output_dir", t / "x", "--num_threads", std::to_string(wanted)});
    CHECK(threads == (wanted > 0 ? wanted : cores));
  }
  CHECK(merge({"--model", t / "adapted", "--output_dir", t / "slash//"}).out.ends_with("wrote " + t / "slash" + "\n"));
}

TEST_CASE("merge_lora prints pages instead of merging") {
  const auto main = program::merge_main<Build>;
  CHECK_THAT(run_main(main, {"merge_lora", "--version"}).out, Catch::Contains("7.8.9"));
  CHECK_THAT(run_main(main, {"merge_lora", "--help"}).out, Catch::StartsWith("merge_lora: folds"));
  CHECK_THAT(run_main(main, {"merge_lora", "--help", "model"}).out, Catch::Contains("--model <text>  [required]"));
  CHECK_THAT(run_main(main, {"merge_lora", "--print_options_md"}).out, Catch::Contains("output_dir"));
  CHECK(run_main(main, {"merge_lora", "--modle", "x"}).exit == 2);
  const ModelFolder t;
  const Ran r = run_main(main, {"merge_lora", "--model", t / "adapted", "--output_dir", t / "merged"});
  CHECK(r.exit == 0);
  CHECK_THAT(r.out, Catch::Contains("wrote "));
}
