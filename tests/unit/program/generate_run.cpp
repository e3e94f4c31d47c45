// generate_main in one process: one question, a dialogue, a list of questions.
#include <map>
#include <unit/program/small_answers.hpp>

using namespace small_program;

namespace {

// A model, and six records: two pictures, one, one, none, two turns, and one picture whose answer is known.
struct ModelFolder : TemporaryFolder {
  ModelFolder() {
    write_models(*this);
    export_model(*this, "model", false);
    write_pictures(*this, 4);
    write_list({});
  }
  // known: the reference answer of the first and the last record.
  void write_list(const std::vector<std::string>& known) const {
    write_records(
        *this, "list.json",
        {record("two", {"0.png", "1.png"}, {{"<image>and<image>\nWhich?", known.empty() ? "zz" : known[0]}}),
         record("one", {"2.png"}, {{"<image>\nWhat?", "zzz"}}), record("other", {"3.png"}, {{"<image>\nWhat?", "zzz"}}),
         record("none", {}, {{"Say!", "zzz"}}), record("turns", {}, {{"Say!", "zz"}, {"More?", "zzz"}}),
         record("last", {"1.png"}, {{"What?", known.empty() ? "zz" : known[1]}})});
  }
  Ran list(const Words& more) const {
    std::filesystem::remove(*this / "answers");
    return generate(command({{"--model", *this / "model", "--data_path", *this / "list.json", "--image_folder",
                              *this / "images", "--max_new_tokens", "6", "--output", *this / "answers"},
                             more}));
  }
  Ran ask(const Words& more, const std::string& typed = {}) const {
    return generate(command({{"--model", *this / "model", "--max_new_tokens", "6"}, more}), typed);
  }
  std::vector<boost::json::object> answers() const { return json_lines(test::read_text(*this / "answers")); }
  std::string answer(std::size_t i) const { return std::string(answers().at(i).at("answer").as_string()); }
};

bool only_letters(const std::string& text) { return text.find_first_not_of(letters) == text.npos; }

}  // namespace

TEST_CASE("a list of questions is answered, compared and counted") {
  const ModelFolder t;
  const Ran first = t.list({"--show", "3"});
  INFO(first.errors);
  REQUIRE(first.exit == 0);
  const auto answers = t.answers();
  REQUIRE(answers.size() == 7);
  for (std::size_t i = 0; i < 7; ++i) {
    const std::string answer(answers[i].at("answer").as_string());
    CHECK(answer.size() == 6);
    CHECK(only_letters(answer));
    CHECK_FALSE(answers[i].at("exact").as_bool());
  }
  CHECK(answers[0].at("id").as_string() == "two");
  CHECK(answers[0].at("images") == boost::json::array{"0.png", "1.png"});
  CHECK(answers[0].at("question").as_string() == "<image>and<image>\nWhich?");
  CHECK(answers[0].at("expected").as_string() == "zz");
  CHECK(answers[5].at("id").as_string() == "turns");
  CHECK(answers[5].at("turn").as_int64() == 1);
  CHECK(answers[5].at("expected").as_string() == "zzz");
  CHECK(answers[6].at("images") == boost::json::array{"1.png"});
  CHECK(t.answer(1) != t.answer(2));  // another picture
  CHECK(t.answer(3) == t.answer(4));  // the same question
  CHECK(first.out == "wrong  0.png, 1.png  <image>and<image>\\x0aWhich?\n       " + t.answer(0) +
                         "   (expected: zz)\nwrong  2.png  <image>\\x0aWhat?\n       " + t.answer(1) +
                         "   (expected: zzz)\nwrong  3.png  <image>\\x0aWhat?\n       " + t.answer(2) +
                         "   (expected: zzz)\nexact match 0.00 % (0 of 7 answers), token accuracy 0.00 %\n");

  // What the model says, as the reference: its six tokens are right, only the end is not what it would say.
  t.write_list({t.answer(0), t.answer(6)});
  const Ran again = t.list({"--show", "1"});
  CHECK(t.answers()[0].at("exact").as_bool());
  CHECK(t.answers()[6].at("exact").as_bool());
  CHECK_FALSE(t.answers()[5].at("exact").as_bool());
  CHECK(again.out == "right  0.png, 1.png  <image>and<image>\\x0aWhich?\n       " + t.answer(0) +
                         "\nexact match 28.57 % (2 of 7 answers), token accuracy 36.36 %\n");  // 12 of 33 tokens
  CHECK(t.list({"--max_records", "1", "--show", "0"}).out ==
        "exact match 100.00 % (1 of 1 answers), token accuracy 85.71 %\n");
}

TEST_CASE("a list may be cut, and its pictures exchanged") {
  const ModelFolder t;
  REQUIRE(t.list({}).exit == 0);
  const std::vector<std::string> own{t.answer(0), t.answer(1), t.answer(2), t.answer(3)};
  CHECK_THAT(t.list({"--max_records", "2"}).out, Catch::Contains("(0 of 2 answers)"));
  REQUIRE(t.answers().size() == 2);
  CHECK(t.answer(1) == own[1]);
  CHECK_THAT(t.list({"--max_records", "5"}).out, Catch::Contains("(0 of 6 answers)"));
  CHECK_THAT(t.list({"--max_records", "6"}).out, Catch::Contains("(0 of 7 answers)"));

  CHECK_THAT(t.list({"--permute_images", "--show", "0"}).out,
             Catch::EndsWith("token accuracy 0.00 %, pictures permuted\n") && Catch::StartsWith("exact"));
  const auto moved = t.answers();
  CHECK(moved[0].at("images") == boost::json::array{"0.png", "1.png"});  // there is no other with two
  CHECK(moved[1].at("images") != boost::json::array{"2.png"});
  CHECK(moved[6].at("images") != boost::json::array{"1.png"});
  CHECK(t.answer(0) == own[0]);
  CHECK(t.answer(1) != own[1]);
  CHECK(t.answer(3) == own[3]);
}

TEST_CASE("one question is answered as a list's is, as long as is asked for") {
  const ModelFolder t;
  REQUIRE(t.list({}).exit == 0);
  CHECK(t.ask({"--prompt", "Say!"}).out == t.answer(3) + "\n");
  CHECK(t.ask({"--prompt", "What?", "--image", t / "images/1.png"}).out == t.answer(6) + "\n");
  CHECK(t.ask({"--prompt", "<image>and<image>\nWhich?", "--image", t / "images/0.png", t / "images/1.png"}).out ==
        t.answer(0) + "\n");
  CHECK(t.ask({"--prompt", "Say!", "--max_new_tokens", "3"}).out == t.answer(3).substr(0, 3) + "\n");
  CHECK(t.ask({"--prompt", "What?", "--image", t / "nowhere.png"}).exit == 3);
  CHECK(t.ask({"--prompt", "Say!", "--template", "default"}).out != t.answer(3) + "\n");
}

TEST_CASE("draws follow the seed and the number of the question") {
  const ModelFolder t;
  const auto drawn = [&](const char* seed) {
    return t.ask({"--prompt", "Say!", "--temperature", "50", "--seed", seed}).out;
  };
  CHECK(drawn("1") == drawn("1"));
  CHECK(drawn("1") != drawn("2"));
  REQUIRE(t.list({"--temperature", "50", "--seed", "1"}).exit == 0);
  CHECK(t.answer(3) != t.answer(4));
  write_records(t, "list.json", {record("first", {}, {{"Say!", "zz"}})});
  REQUIRE(t.list({"--temperature", "50", "--seed", "1"}).exit == 0);
  CHECK(drawn("1") == t.answer(0) + "\n");
  CHECK(t.ask({"--prompt", "Say!", "--temperature", "1", "--top_p", "1e-9"}).out == t.ask({"--prompt", "Say!"}).out);
}

TEST_CASE("a dialogue goes on from what was said, until an empty line or the end") {
  const ModelFolder t;
  const Ran said = t.ask({}, "Say!\nMore?\n\nLost\n");
  REQUIRE(said.exit == 0);
  const std::string first = said.out.substr(2, 6), second = said.out.substr(11, 6);
  CHECK(said.out == "> " + first + "\n> " + second + "\n> ");
  write_records(t, "list.json", {record("turns", {}, {{"Say!", first}, {"More?", second}})});
  CHECK_THAT(t.list({}).out, Catch::Contains("100.00 % (2 of 2 answers)"));
  CHECK(t.ask({}, "Say!").out == "> " + first + "\n> ");
  const Ran shown = t.ask({"--image", t / "images/1.png"}, "What?\nMore?\n");
  write_records(t, "list.json",
                {record("turns", {"1.png"}, {{"What?", shown.out.substr(2, 6)}, {"More?", shown.out.substr(11, 6)}})});
  CHECK_THAT(t.list({}).out, Catch::Contains("100.00 % (2 of 2 answers)"));
}

TEST_CASE("a question that cannot be asked is refused; a dialogue goes on as if it had not been typed") {
  const ModelFolder t;
  std::string words;
  for (int i = 0; i < 50; ++i) words += "Say! ";
  const Ran one = t.ask({"--prompt", words, "--max_seq_len", "20"});
  CHECK(one.exit == 2);
  CHECK_THAT(one.errors, Catch::Contains("OPT-PROMPT-024") && Catch::Contains("at most 20 tokens"));
  CHECK(t.ask({"--prompt", words, "--max_seq_len", "2000"}).exit == 0);
  const std::string too_much(std::size_t(3) << 20, 'a'), answered = t.ask({}, "Say!\n").out.substr(2);
  const Ran said = t.ask({}, too_much + "\ncaf\xe9?\nSay!\n");
  CHECK(said.exit == 0);
  CHECK(said.out == "> > > " + answered);
  CHECK_THAT(said.errors, Catch::Contains("at most 1048576 bytes") && Catch::Contains("a question is not UTF-8"));
}

TEST_CASE("a model's adapters take part in its answers") {
  const ModelFolder t;
  export_model(t, "adapted", true);
  REQUIRE(t.list({}).exit == 0);
  const auto plain = t.answers();
  std::filesystem::remove(t / "answers");
  REQUIRE(generate({"--model", t / "adapted", "--data_path", t / "list.json", "--image_folder", t / "images",
                    "--max_new_tokens", "6", "--output", t / "answers"})
              .exit == 0);
  std::size_t different = 0;
  for (std::size_t i = 0; i < plain.size(); ++i) different += plain[i].at("answer") != t.answers()[i].at("answer");
  CHECK(different >= 4);
}

TEST_CASE("what generate_main is asked must fit together") {
  const ModelFolder t;
  const auto refused = [&](const Words& args, int exit, const char* says) {
    const Ran r = generate(args);
    CHECK(r.exit == exit);
    CHECK(r.out.empty());
    CHECK_THAT(r.errors, Catch::Contains(says));
  };
  const std::string m = t / "model", list = t / "list.json";
  refused({}, 2, "--model");
  refused({"--model", t / "none"}, 4, "none");
  for (const char* option : {"--image", "--prompt"})
    refused({"--model", m, "--data_path", list, option, "x"}, 2, option);
  refused({"--model", m, "--image_folder", "x"}, 2, "--image_folder");
  refused({"--model", m, "--output", "x"}, 2, "--output");
  refused({"--model", m, "--permute_images"}, 2, "--permute_images");
  refused({"--model", m, "--max_records", "1"}, 2, "--max_records");
  refused({"--model", m, "--show", "1"}, 2, "this option belongs to --data_path");
  refused({"--model", m, "--top_p", "0.5"}, 2, "--top_p");
  refused({"--model", m, "--precision", "bf16", "--prompt", "x"}, 2, "PRECISIONS");
  refused({"--model", m, "--precision", "fp64", "--prompt", "x"}, 2, "OPT-CHOICE-005");
  refused({"--model", m, "--temperature", "101", "--prompt", "x"}, 2, "at most 100");
  CHECK(t.ask({"--precision", "fp32", "--prompt", "Say!"}).exit == 0);
  const Ran unwritable = t.list({"--output", t / "none/answers"});
  CHECK(unwritable.exit == 6);
  CHECK_THAT(unwritable.errors, Catch::Contains("WRITE-LOG-001") && Catch::Contains("none/answers"));
  CHECK_THAT(generate({"--model", t / "none", "--log_format", "json"}).errors,
             Catch::StartsWith("{\"level\": \"error\""));
  t.write("options.json", R"({"prompt": "Say!", "max_new_tokens": 2})");
  CHECK(generate({"--model", m, "--config", t / "options.json"}).out.size() == 3);
}

TEST_CASE("the precision is the processor's where nobody says, and the threads are its cores") {
  const ModelFolder t;
  std::string precision;
  int threads = 0;
  const auto run = [&](const Words& compiled, const Words& more) {
    std::map<std::string, program::GenerateRunner> runners;
    for (const std::string& p : compiled)
      runners[p] = [&, p](program::GenerateJob& job) {
        return precision = p, threads = job.threads->count(), ExitCode::ok;
      };
    std::istringstream in;
    std::ostringstream out, errors;
    program::Messages messages(errors, "generate_main", "0");
    program::GenerateProgram program(kinds().known(), kinds().compiled(), runners, messages, in, out);
    program(command({{"--model", t / "model", "--prompt", "Say!"}, more}));
    return precision;
  };
  const int cores = int(allowed_cores().size());
  CHECK(run({"bf16", "fp32"}, {}) == (Device::cpu == Device::avx512_bf16 ? "bf16" : "fp32"));
  CHECK(threads == cores);
  CHECK(run({"fp32"}, {"--num_threads", "0"}) == "fp32");
  CHECK(threads == cores);
  CHECK(run({"bf16"}, {"--num_threads", "1"}) == "bf16");
  CHECK(threads == 1);
  CHECK(run({"bf16", "fp32"}, {"--precision", "fp32", "--num_threads", std::to_string(cores + 2)}) == "fp32");
  CHECK(threads == cores + 2);
  CHECK(run({"bf16", "fp32"}, {"--precision", "bf16"}) == "bf16");
  CHECK_THROWS_AS(run({"fp32"}, {"--precision", "bf16"}), Error);
}

TEST_CASE("generate_main prints pages instead of answers") {
  CHECK_THAT(generate({"--help"}).out,
             Catch::StartsWith("generate_main: answers") && Catch::Contains("permute_images"));
  CHECK_THAT(generate({"--help", "permute_images"}).out, Catch::Contains("--permute_images\n"));
  CHECK_THAT(generate({"--print_options_md"}).out,
             Catch::Contains("generate_main") && Catch::Contains("max_new_tokens"));
  const auto main = program::generate_main<Build>;
  const Ran version = run_main(main, {"generate_main", "--version"});
  CHECK(version.exit == 0);
  CHECK_THAT(version.out, Catch::Contains("7.8.9") && Catch::Contains("fp32"));
  const Ran wrong = run_main(main, {"generate_main", "--promt", "x"});
  CHECK(wrong.exit == 2);
  CHECK_THAT(wrong.errors, Catch::StartsWith("generate_main: error[OPT-NAME-001]") && Catch::Contains("--prompt"));
  const ModelFolder t;
  const Ran said =
      run_main(main, {"generate_main", "--model", t / "model", "--prompt", "Say!", "--max_new_tokens", "6"});
  CHECK(said.out == t.ask({"--prompt", "Say!"}).out);
}
