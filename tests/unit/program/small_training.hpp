#pragma once
#include <unit/image/png_bytes.hpp>
#include <unit/program/small_program.hpp>
#include <vlt/program/sft_program.hpp>
#include <vlt/program/sft_run.hpp>

// sft_main in one process, on a small model and eleven records.
namespace small_program {

// said: where what it prints is gathered.
inline Ran sft(const Words& args, const program::Kinds<Build>& known = kinds(), std::stringbuf&& said = {}) {
  std::ostream out(&said);
  std::ostringstream errors;
  program::Messages messages(errors, "sft_main", "0");
  dist::Single world;
  const program::SftRunner runner = [&](program::SftJob& job) { return program::run_sft<P>(job, known.models<P>()); };
  const int code = program::run_program(messages, [&] {
    program::SftProgram run(known.known(), known.compiled(), {{"fp32", runner}}, messages, out, world);
    return run(args);
  });
  return {code, said.str(), errors.str()};
}

// A PNG file that says what it holds and does not hold it: only decoding it finds out.
inline const std::string torn_picture =
    test::png_file(test::header(8, 8) + test::chunk("IDAT", test::stored("short")) + test::end());

// A model and ten good records in two files, seven of them with a picture; an eleventh has none of its own.
struct ModelFolder : TemporaryFolder {
  ModelFolder() {
    write_models(*this);
    write_pictures(*this, 7);
    boost::json::array first, second;
    for (int i = 0; i < 7; ++i) {
      const std::string n = std::to_string(i);
      (i < 4 ? first : second).push_back(record("p" + n, {n + ".png"}, {{"<image>\nQuestion " + n + "?", "abc" + n}}));
    }
    first.push_back(record("bad", {"missing.png"}, {{"What?", "Nothing"}}));
    for (int i = 0; i < 3; ++i)
      (i ? second : first).push_back(record("t" + std::to_string(i), {}, {{"Word " + std::to_string(i) + "?", "dd"}}));
    write_records(*this, "first.json", first);
    write_records(*this, "second.json", second);
  }
  Words data() const {
    return {"--data_path",
            *this / "first.json",
            *this / "second.json",
            "--dataset_names",
            "llava_sft",
            "llava_sft",
            "--image_folder",
            *this / "images",
            "--on_bad_sample",
            "skip",
            "--max_bad_fraction",
            "0.1",
            "--data_train_split_ratio",
            "0.8",
            "--precision",
            "fp32",
            "--num_threads",
            "1",
            "--num_workers",
            "1"};
  }
  Words models() const {
    return {"--lm_model_name_or_path", *this / "language", "--vision_model_name_or_path",
            *this / "vision",          "--template",       "plain"};
  }
  // A training of two epochs, of two steps of two micro-batches of two sequences each.
  Ran train(const std::string& name, const Words& more, bool from_parts = true, std::stringbuf&& said = {}) const {
    return sft(command({data(),
                        from_parts ? models() : Words{},
                        {"--output_dir", *this / name, "--per_device_train_batch_size", "2",
                         "--gradient_accumulation_steps", "2", "--num_train_epochs", "2", "--eval_step", "2",
                         "--lr_scheduler_type", "constant", "--learning_rate", "0.02"},
                        more}),
               kinds(), std::move(said));
  }
  Ran instead(const Words& more) const { return sft(command({data(), more})); }
  boost::json::object evaluated(const std::string& model) const {
    const Ran r = instead({"--eval_only", "--from_checkpoint", *this / model});
    INFO(r.errors);
    REQUIRE(r.exit == 0);
    return json_lines(r.out).back();
  }
  MetricsHistory metrics(const std::string& name) const {
    return parse_metrics(test::read_text(*this / (name + "/metrics.jsonl")), "metrics.jsonl");
  }
  bool has(const std::string& name) const { return std::filesystem::exists(*this / name); }
};

}  // namespace small_program
