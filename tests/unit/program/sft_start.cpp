// Where a training begins: with a model, or from a checkpoint, and which one.
#include <sstream>
#include <unit/train/saved_store.hpp>
#include <vlt/program/sft_start.hpp>

using namespace vlt;
using Before = program::OutputFolder::Before;
using vlt::test::refused;
using vlt::test::TemporaryFolder;

namespace {

// A run of one rank that says what it finds.
struct Begin {
  std::ostringstream said;
  program::Messages messages{said, "sft_main", "0"};
  dist::Single world;
  program::SftStart operator()(const std::string& output, const Words& from, bool training = true) {
    program::SftOptions o;
    o.output_dir = output, o.from_checkpoint = from;
    said.str("");
    return program::find_start(o, training, messages, world);
  }
};
struct WithCheckpoints {
  TemporaryFolder t;
  WithCheckpoints() {
    saved_store::Saving<Precision::f32> saving;
    for (const Index step : {4, 8}) saving.save(t / ("out/checkpoints/" + RunCheckpoint::name_of(step)), step);
  }
  std::string point(Index step) const { return t / ("out/checkpoints/" + RunCheckpoint::name_of(step)); }
};

}  // namespace

TEST_CASE("a training begins with a model unless there is a checkpoint") {
  const TemporaryFolder t;
  Begin begin;
  CHECK(begin(t / "out", {}).model_folder.empty());
  CHECK(begin(t / "out", {"epoch-0"}).model_folder == "epoch-0");
  CHECK(begin.said.str().empty());
  const program::SftStart automatic = begin(t / "out", {"auto", "epoch-0"});
  CHECK(automatic.model_folder == "epoch-0");
  CHECK_FALSE(automatic.checkpoint);
  CHECK_THAT(begin.said.str(), Catch::Contains("there is no checkpoint in"));
}

TEST_CASE("`auto` takes the newest checkpoint that is whole, and says what it passes over") {
  const WithCheckpoints w;
  Begin begin;
  CHECK(begin(w.t / "out", {"auto"}).checkpoint->step() == 8);
  CHECK(begin.said.str().empty());
  CHECK(begin(w.t / "out", {"auto", "m"}).model_folder == "m");
  w.t.write("out/checkpoints/step-00000008/rank-000.bin", "x");
  w.t.write("out/checkpoints/.step-00000009.draft/x", "");
  CHECK(begin(w.t / "out", {"auto"}).checkpoint->step() == 4);
  CHECK_THAT(begin.said.str(), Catch::Contains("warning[CKPT-HASH-001]") && Catch::Contains("passed over") &&
                                   Catch::Contains("removed .step-00000009.draft"));
}

TEST_CASE("a checkpoint that is named must be whole, and knows its model") {
  const WithCheckpoints w;
  Begin begin;
  const program::SftStart s = begin(w.t / "elsewhere", {w.point(4)});
  CHECK(s.checkpoint->step() == 4);
  CHECK(s.model_folder == "models/llava");
  w.t.write("out/checkpoints/step-00000008/notes", "");
  CHECK(begin(w.t / "out", {w.point(8) + "/"}).checkpoint->step() == 8);
  CHECK_THAT(begin.said.str(), Catch::Contains("ignored") && Catch::Contains("notes"));
  w.t.write("out/checkpoints/step-00000008/rank-000.bin", "x");
  refused([&] { begin(w.t / "out", {w.point(8)}); }, ExitCode::checkpoint, "CKPT-HASH-001", "rank-000.bin");
  refused([&] { begin(w.t / "out", {w.t / "step-00000001"}); }, ExitCode::checkpoint, "CKPT-PATH-001");
  std::filesystem::rename(w.point(4), w.t / "kept");
  CHECK(begin(w.t / "out", {w.t / "kept"}).checkpoint->step() == 4);
}

TEST_CASE("what does not train begins with a model only") {
  const WithCheckpoints w;
  Begin begin;
  CHECK(begin(w.t / "out", {"auto", "m"}, false).model_folder == "m");
  CHECK_FALSE(begin(w.t / "out", {"auto", "m"}, false).checkpoint);
  refused([&] { begin(w.t / "out", {w.point(4)}, false); }, ExitCode::usage, "OPT-CONFLICT-009", "--from_checkpoint");
}

TEST_CASE("an output folder that holds something is used only by a run that goes on there") {
  const WithCheckpoints w;
  const auto expected = [&](const std::string& output, const Words& from) {
    program::SftOptions o;
    o.output_dir = w.t / output, o.from_checkpoint = from;
    return expected_output(o);
  };
  CHECK(expected("out", {}) == Before::empty);
  CHECK(expected("out", {"auto"}) == Before::anything);
  CHECK(expected("out", {w.point(4)}) == Before::anything);
  CHECK(expected("out", {w.t / "out/../out/checkpoints/step-00000004"}) == Before::anything);
  CHECK(expected("ou", {w.point(4)}) == Before::empty);
  CHECK(expected("out", {w.t / "out/epoch-0"}) == Before::empty);
}
