// A family whose blocks cannot generate: it is trained, evaluated and exported, and nobody asks it anything.
#include <unit/program/small_answers.hpp>
#include <unit/program/small_training.hpp>

using namespace small_program;

namespace {

// The attention of a LLaMA, which does not say how wide its keys are.
template <IsPolicy Q, class Mask> struct MuteAttention : SelfAttention<Q, Mask> {
  using SelfAttention<Q, Mask>::SelfAttention;
  Index kv_width() const = delete;
};
struct MuteFamily {
  static constexpr const char* name = "mute";
  static hub::FamilyFacts facts() { return {name, {"mute"}, hub::read_llama_keys}; }
  template <IsPolicy Q, class Mask> using Block = LlamaBlock<Q, Mask, MuteAttention<Q, Mask>>;
};
const program::Kinds<Build>& mute_kinds() {
  static const program::Kinds<Build> all = [] {
    program::Kinds<Build> k;
    k.add_family<MuteFamily>();
    return k;
  }();
  return all;
}

}  // namespace

TEST_CASE("a family that cannot generate trains without answers") {
  const TemporaryFolder t;
  write_models(t);
  std::string config = test::read_text(t / "language/config.json");
  config.replace(config.find("\"llama\""), 7, "\"mute\"");
  t.write("language/config.json", config);
  write_pictures(t, 4);
  boost::json::array records;
  for (int i = 0; i < 4; ++i)
    records.push_back(record(std::to_string(i), {std::to_string(i) + ".png"}, {{"<image>\nWhat?", "abc"}}));
  write_records(t, "data.json", records);

  const Words data{"--data_path",
                   t / "data.json",
                   "--image_folder",
                   t / "images",
                   "--precision",
                   "fp32",
                   "--data_train_split_ratio",
                   "0.5",
                   "--num_threads",
                   "1",
                   "--num_workers",
                   "1"};
  const Ran trained =
      sft(command({data,
                   {"--lm_model_name_or_path", t / "language", "--vision_model_name_or_path", t / "vision",
                    "--template", "plain", "--output_dir", t / "run", "--max_steps", "1"}}),
          mute_kinds());
  INFO(trained.errors);
  REQUIRE(trained.exit == 0);
  const std::string report = test::read_text(t / "run/report.html");
  CHECK(report.find("Learning rate") != report.npos);
  CHECK(report.find("Answers on held-out pictures") == report.npos);
  CHECK(sft(command({data, {"--eval_only", "--from_checkpoint", t / "run/epoch-0"}}), mute_kinds()).exit == 0);

  const Ran asked = generate({"--model", t / "run/epoch-0", "--prompt", "What?"}, {}, mute_kinds());
  CHECK(asked.exit == int(ExitCode::model));
  CHECK(asked.errors.find("MODEL-GENERATE-001") != asked.errors.npos);
  CHECK(asked.errors.find("mute") != asked.errors.npos);
}
