// A log for TensorBoard: the bytes that TensorBoard's own messages give, one curve over several processes, and a disk
// that is full.
#include <sys/resource.h>
#include <unit/io/temporary_folder.hpp>
#include <unit/report/shown_events.hpp>
#include <vlt/io/standard_streams.hpp>

using namespace vlt;
using report::TensorBoardLog;
using vlt::test::read_text;
using vlt::test::TemporaryFolder;

namespace {

StepMetrics step(Index number, double loss) {
  StepMetrics m;
  m.step = number, m.loss = loss, m.lr = 1e-3;
  return m;
}
TensorBoardLog::Settings quiet(double now = 1000) {
  return {{{"seed", 1}}, [](const Complaint& c) { FAIL(c.what() << ", " << c.found()); }, [now] { return now; }};
}
// A run whose checkpoint was written after so many steps.
RunState stands(Index at) {
  RunState s;
  s.step = s.updates = s.concluded = at;
  for (Index i = 1; i <= at; ++i) s.history.steps.push_back(step(i, double(i)));
  return s;
}
std::vector<Index> up_to(Index last) {
  std::vector<Index> all;
  for (Index i = 1; i <= last; ++i) all.push_back(i);
  return all;
}
std::vector<Index> losses(const std::string& folder) { return shown_events::of(folder).steps(TensorBoardLog::loss); }

}  // namespace

TEST_CASE("a log holds what TensorBoard's own messages would", "[golden]") {
  const TemporaryFolder t;
  const double now = 1700000000.25;
  const boost::json::object options{{"data_path", {"a|b.json"}}, {"learning_rate", 0.001}, {"lora_alpha", nullptr},
                                    {"packing", false},          {"seed", 1234},           {"template", "plain"}};
  TensorBoardLog log(t / "tb", {}, 200, {options, [](const Complaint&) {}, [=] { return now; }});
  StepMetrics m = step(1, 2.5);
  m.epoch = 0.5, m.grad_norm = 1.25, m.lr_vision = 1e-4, m.lr_language = 2e-4, m.token_accuracy = 0.125;
  m.tokens = 300, m.supervised_tokens = 100, m.tokens_per_s = 1000, m.images_per_s = 10, m.mfu = 0.25;
  m.memory = 1000000000, m.loss_by_dataset = {{"first", 2}, {"second", 3}};
  log.step_done(m, {});
  log.evaluated({200, 1, 2.25, 0.5});
  log.finish({{"id", "What?\n`Now`", "This", "", "That", {}}});
  const auto files = TensorBoardLog::files_in(t / "tb");
  REQUIRE(files.size() == 1);
  CHECK_THAT(files[0], Catch::Contains("/events.out.tfevents.1700000000."));
  CHECK(read_text(files[0]) == read_text(std::string(VLT_TEST_DIR) + "/golden/report/events.tfevents"));
}

TEST_CASE("pictures lie in a log as PNG, made small, beside what was said about them") {
  const TemporaryFolder t;
  TensorBoardLog log(t / "tb", {}, 3, quiet());
  const image::Image small(3, 2), large(1100, 20);
  log.finish({{"a", "What?", "This", "Nothing", std::nullopt, {{"a.png", small}, {"b.png", large}}},
              {"b", "Now?", "That", std::nullopt, std::nullopt, {}}});
  const auto shown = shown_events::of(t / "tb");
  CHECK(shown.pictures.size() == 2);
  CHECK(shown.pictures.at("samples/1/picture_1") == std::vector{std::pair{Index(3), image::encode_png(small)}});
  const std::string& png = shown.pictures.at("samples/1/picture_2").at(0).second;
  CHECK(png.size() > 60);
  CHECK(int(static_cast<unsigned char>(png.at(18))) * 256 + static_cast<unsigned char>(png.at(19)) == 366);  // width
  CHECK_THAT(shown.texts.at("samples/1/answers").at(0).second,
             Catch::Contains("    Nothing\n") && !Catch::Contains("model now"));
  CHECK_THAT(shown.texts.at("samples/2/answers").at(0).second, !Catch::Contains("before"));
  CHECK(shown.plugins.at("hparams").size() == 2);
}

TEST_CASE("the rate of a log is that of what trains") {
  const TemporaryFolder t;
  TensorBoardLog log(t / "tb", {}, 3, quiet());
  StepMetrics m = step(1, 1);
  m.lr = {}, m.lr_vision = 0.5;
  log.step_done(m, {});
  m.step = 2, m.lr_language = 0.25, m.loss_scale = 1024;
  log.step_done(m, {});
  const auto shown = shown_events::of(t / "tb");
  CHECK(shown.scalars.at("Train/Samples/lr") == std::vector{std::pair{Index(1), 0.5}, std::pair{Index(2), 0.25}});
  CHECK(shown.steps("Train/lr_language") == std::vector<Index>{2});
  CHECK(shown.scalars.at("Train/Samples/loss_scale") == std::vector{std::pair{Index(2), 1024.0}});
  CHECK_FALSE(shown.scalars.contains("Train/token_accuracy"));
}

TEST_CASE("several processes draw one curve, whenever each of them ended") {
  const TemporaryFolder t;
  const auto process = [&](Index from, Index to, const char* name = "tb") {
    RunState s = stands(from);
    TensorBoardLog log(t / name, s, 500, quiet());
    for (Index i = from + 1; i <= to; ++i) log.step_done(step(i, double(i)), {});
  };
  process(0, 0), process(0, 140);  // killed before its first step; killed after the checkpoint of step 130
  process(130, 135);
  CHECK(losses(t / "tb") == up_to(135));
  process(130, 131), process(131, 131);
  CHECK(losses(t / "tb") == up_to(131));
  process(200, 205);  // others went on without a log
  CHECK(losses(t / "tb") == up_to(205));
  CHECK(TensorBoardLog::files_in(t / "tb").size() == 6);
  CHECK(TensorBoardLog::last_step_of(TensorBoardLog::files_in(t / "tb")) == 205);
  process(150, 160, "elsewhere");  // a copy of the run from there on
  CHECK(losses(t / "elsewhere") == up_to(160));
  const auto shown = shown_events::of(t / "tb");
  for (const auto& [at, value] : shown.scalars.at(TensorBoardLog::loss)) CHECK(value == double(at));
}

TEST_CASE("an evaluation that was owed, and the end of a run, are told once") {
  const TemporaryFolder t;
  const auto evaluated = [&](Index concluded, bool before) {
    RunState s = stands(3);
    s.concluded = concluded;
    if (before) s.history.evaluations.push_back({3, 1, 0.5, {}});
    TensorBoardLog log(t / "tb", s, 3, quiet());
    if (!before) log.evaluated({3, 1, 0.5, {}});
    log.finish({{"a", "What?", "This", "", "That", {{"a.png", image::Image(3, 2)}}}});
  };
  evaluated(2, false), evaluated(2, false), evaluated(3, true), evaluated(3, true);
  const auto shown = shown_events::of(t / "tb");
  CHECK(shown.steps(TensorBoardLog::loss) == up_to(3));
  CHECK(shown.steps("Eval/loss") == std::vector<Index>{3});
  CHECK(shown.pictures.at("samples/1/picture_1").size() == 1);
  CHECK(shown.texts.at("samples/1/answers").size() == 1);
}

TEST_CASE("files are read in the order in which they were written, whatever the clock said") {
  const TemporaryFolder t;
  t.write("tb/events.out.tfevents.1000000005.host.1", "not a record");
  t.write("tb/notes", "mine");
  { TensorBoardLog log(t / "tb", {}, 3, quiet(1000000000)); }
  const auto files = TensorBoardLog::files_in(t / "tb");
  REQUIRE(files.size() == 2);
  CHECK_THAT(files[1], Catch::Contains("/events.out.tfevents.1000000006."));
}

TEST_CASE("a log that cannot be written is told of once, and ends nothing") {
  const TemporaryFolder t;
  std::vector<Complaint> told;
  const auto settings = [&] {
    return TensorBoardLog::Settings{{}, [&](const Complaint& c) { told.push_back(c); }, report::wall_clock};
  };
  {
    prepare_streams();
    TensorBoardLog log(t / "tb", {}, 9, settings());
    rlimit before{};
    ::getrlimit(RLIMIT_FSIZE, &before);
    rlimit less = before;
    less.rlim_cur = 10;
    ::setrlimit(RLIMIT_FSIZE, &less);
    log.step_done(step(1, 1), {}), log.step_done(step(2, 2), {});
    ::setrlimit(RLIMIT_FSIZE, &before);
    log.step_done(step(3, 3), {});
  }
  CHECK(losses(t / "tb") == std::vector<Index>{3});
  CHECK(told.size() == 1);
  t.write("file", "");
  for (const char* folder : {"file", "file/tb"}) {
    TensorBoardLog log(t / folder, stands(2), 9, settings());
    log.step_done(step(3, 1), {});
    log.finish({});
  }
  REQUIRE(told.size() == 3);
  for (const Complaint& c : told) {
    CHECK_THAT(c.code(), Catch::StartsWith("WRITE-"));
    CHECK_THAT(c.note(), Catch::Contains("the training goes on"));
  }
}
