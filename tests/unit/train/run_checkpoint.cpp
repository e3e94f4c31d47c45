// A checkpoint: what was saved comes back to the bit, on any number of ranks, and nothing else is ever loaded.
#include <vlt/dist/thread_group.hpp>
#include <vlt/dist/zero.hpp>
#include "saved_store.hpp"

using namespace saved_store;
using vlt::test::read_text;
using vlt::test::refused;
using vlt::test::TemporaryFolder;

namespace {

constexpr const char* files[] = {"manifest.json", "rank-000.bin", "run_state.json"};

// Refused for its bytes, whatever the first reader to notice calls it.
bool believed(const std::string& path) {
  try {
    RunCheckpoint c(path);
    c.verify();
    c.state();
    return true;
  } catch (const Error& e) {
    CHECK(e.exit() == ExitCode::checkpoint);
    CHECK_THAT(e.complaint().code(), Catch::StartsWith("CKPT-"));
    return false;
  }
}
// The bytes of a file while it is another's.
struct Changed {
  std::string path, before;
  Changed(std::string p, const std::string& bytes) : path(std::move(p)), before(read_text(path)) { put(bytes); }
  ~Changed() { put(before); }
  void put(const std::string& bytes) const { std::ofstream(path, std::ios::binary) << bytes; }
};
// One byte of a file is another while this lives; its neighbours are not written.
struct Flipped {
  std::fstream file;
  std::streamoff at;
  char before;
  Flipped(const std::string& path, std::size_t place)
      : file(path, std::ios::binary | std::ios::in | std::ios::out), at(std::streamoff(place)) {
    file.seekg(at).get(before);
    put(char(before ^ (1 << (place % 8))));
  }
  ~Flipped() { put(before); }
  void put(char byte) { file.seekp(at).put(byte).flush(); }
};
// A manifest that somebody has changed and sealed again.
void contradicts(const TemporaryFolder& t, const std::function<void(CheckpointManifest&)>& change,
                 const std::string& word) {
  CheckpointManifest m = RunCheckpoint(t / "step-00000004").manifest();
  change(m);
  const Changed changed(t / "step-00000004/manifest.json", manifest_text(m));
  refused([&] { RunCheckpoint(t / "step-00000004"); }, ExitCode::checkpoint, "CKPT-MANIFEST-002", word,
          "manifest.json");
}

}  // namespace

TEMPLATE_TEST_CASE_SIG("a checkpoint gives back what was saved", "", ((Precision F), F), Precision::f32,
                       Precision::bf16, Precision::f16, Precision::f64) {
  const TemporaryFolder t;
  Saving<F> a, b;
  a.save(t / "runs/step-00000004", 4);
  const RunCheckpoint c(t / "runs/step-00000004/");
  c.verify();
  CHECK(c.step() == 4);
  CHECK(c.state() == a.state(4));
  CHECK(c.manifest().facts == a.about().facts);
  CHECK(c.manifest().model_folder == "models/llava");
  CHECK(c.strangers().empty());
  fill(b.store, 5);
  CHECK_FALSE(holds(b.store, 4));
  c.load(b.store);
  CHECK(holds(b.store, 4));
  // frozen weights are not in it, and all else once: master and two moments of three parameters
  CHECK(c.manifest().sections.size() == 9);
  CHECK(std::filesystem::file_size(t / "runs/step-00000004/rank-000.bin") < checkpoint_bytes(a.store.layout()) + 64);
}

TEST_CASE("files that a checkpoint knows nothing of do not spoil it") {
  const TemporaryFolder t;
  Saving<Precision::f32>().save(t / "copy", 4);
  t.write("copy/notes.txt", "mine");
  CHECK(believed(t / "copy"));
  CHECK(RunCheckpoint(t / "copy").strangers() == std::vector<std::string>{"notes.txt"});
}

TEST_CASE("a checkpoint with any byte changed is not believed") {
  const TemporaryFolder t;
  Saving<Precision::f32>().save(t / "step-00000004", 4);
  CHECK(believed(t / "step-00000004"));
  for (const char* name : files) {
    const std::string path = t / ("step-00000004/" + std::string(name)), whole = read_text(path);
    const std::size_t step = std::max<std::size_t>(1, whole.size() / 700);
    for (std::size_t at = 0; at < whole.size(); at += step) {
      INFO(name << ", byte " << at);
      const Flipped flipped(path, at);
      CHECK_FALSE(believed(t / "step-00000004"));
    }
    for (const std::string& bytes : {whole.substr(0, whole.size() / 2), whole.substr(0, whole.size() - 1), whole + "\n",
                                     std::string(), whole + std::string(1, '\0')}) {
      const Changed changed(path, bytes);
      CHECK_FALSE(believed(t / "step-00000004"));
    }
  }
  CHECK(believed(t / "step-00000004"));
}

TEST_CASE("a checkpoint that lacks a file, or has another's, is not believed") {
  const TemporaryFolder t;
  Saving<Precision::f32> saving;
  saving.save(t / "step-00000004", 4), saving.save(t / "step-00000005", 5);
  for (const char* name : files) {
    const std::string path = t / ("step-00000004/" + std::string(name));
    {
      const Changed swapped(path, read_text(t / ("step-00000005/" + std::string(name))));
      CHECK_FALSE(believed(t / "step-00000004"));
    }
    std::filesystem::rename(path, t / "elsewhere");
    CHECK_FALSE(believed(t / "step-00000004"));
    std::filesystem::create_directory(path);
    CHECK_FALSE(believed(t / "step-00000004"));
    std::filesystem::remove(path), std::filesystem::rename(t / "elsewhere", path);
  }
  CHECK(believed(t / "step-00000004"));
  std::filesystem::rename(t / "step-00000005", t / "step-00000006");
  CHECK_FALSE(believed(t / "step-00000006"));
  refused([&] { RunCheckpoint(t / "nowhere"); }, ExitCode::checkpoint, "CKPT-PATH-001", "nowhere");
}

TEST_CASE("a manifest of another format says so") {
  const TemporaryFolder t;
  Saving<Precision::f32>().save(t / "c", 4);
  std::string text = read_text(t / "c/manifest.json");
  text.replace(text.find("\"format\": 1"), 11, "\"format\": 2");
  const Changed changed(t / "c/manifest.json", text);
  refused([&] { RunCheckpoint(t / "c"); }, ExitCode::checkpoint, "CKPT-FORMAT-003", "format 2", "version");
}

TEST_CASE("a manifest that was made to lie is refused before anything is read") {
  const TemporaryFolder t;
  Saving<Precision::f32>().save(t / "step-00000004", 4);
  const auto file = [](const char* name) { return [=](CheckpointManifest& m) { m.files[0].name = name; }; };
  for (const char* name : {"../rank-000.bin", "/etc/passwd", "a/b", "..", ".", "", "manifest.json", "run_state.json"})
    contradicts(t, file(name), "a file called");
  contradicts(
      t, [](auto& m) { m.step = 5; }, "another step");
  contradicts(
      t, [](auto& m) { m.updates = 5; }, "more updates");
  contradicts(
      t, [](auto& m) { m.sections[1] = m.sections[0]; }, "twice");
  contradicts(
      t, [](auto& m) { m.sections[0].type = "f16"; }, "the type");
  using Part = SectionPart;
  const std::function<void(Part&)> wrong[] = {[](Part& p) { p.file = 2; },
                                              [](Part& p) { p.offset = 1ull << 62; },
                                              [](Part& p) { p.range.begin = p.range.end; },
                                              [](Part& p) { ++p.range.end; },
                                              [](Part& p) { p.offset += 1 << 15; },
                                              [](Part& p) { p.offset += 4; }};
  for (const auto& change : wrong)
    contradicts(
        t, [&](auto& m) { change(m.sections.back().parts[0]); }, "elsewhere");
  contradicts(
      t, [](auto& m) { m.sections[0].parts[0].range.begin = 1; }, "nowhere");
  contradicts(
      t, [](auto& m) { m.sections[0].parts.clear(); }, "nowhere");
  contradicts(
      t, [](auto& m) { m.sections[0].elements = Index(1) << 60; }, "nowhere");
  contradicts(
      t, [](auto& m) { m.sections[0].parts.push_back(m.sections[0].parts[0]); }, "elsewhere");
}

TEST_CASE("a state of another step than its manifest's is refused") {
  const TemporaryFolder t;
  Saving<Precision::f32>().save(t / "c", 4);
  CheckpointManifest m = RunCheckpoint(t / "c").manifest();
  m.updates = 4;
  const Changed changed(t / "c/manifest.json", manifest_text(m));
  refused([&] { RunCheckpoint(t / "c").state(); }, ExitCode::checkpoint, "CKPT-MANIFEST-002", "4 steps and 3 updates");
}

TEST_CASE("a store of other parameters takes nothing from a checkpoint") {
  const TemporaryFolder t;
  Saving<Precision::f32> saving, other;
  saving.save(t / "c", 4);
  const RunCheckpoint c(t / "c");
  const auto mismatch = [&](auto& store, const auto&... words) {
    fill(store, 9);
    refused([&] { c.load(store); }, ExitCode::checkpoint, "CKPT-MODEL-004", words...);
    CHECK(holds(store, 9));
  };
  other.model.still.choose(true), other.model.bias.choose(false);
  ParameterStore store(other.model.registry());
  mismatch(store, "projector still (master) is not in it", "3 sections do not belong");
  Saving<Precision::f64> doubles;
  mismatch(doubles.store, "projector weight (master) has 91 f32 instead of 91 f64", "and 4 more");
  LooseModel<Precision::f32> fewer;
  fewer.second.choose(false);
  ParameterStore part(fewer.registry());
  mismatch(part, "3 sections do not belong to the model");
}

TEST_CASE("what ranks save together any number of ranks can load", "[threads]") {
  constexpr Precision F = Precision::bf16;
  for (const auto& [stage, writers] : {std::pair{0, 2}, {1, 2}, {1, 3}, {3, 3}}) {
    const TemporaryFolder t;
    // Whether act(world, store) was right on every rank.
    const auto on_ranks = [s = stage](int ranks, auto&& act) {
      std::vector<int> right(std::size_t(ranks), 0);
      dist::ThreadGroup::run(ranks, [&](dist::World& world) {
        LooseModel<F> model;
        const dist::ZeroSettings zero{s, s > 1 ? dist::Reduce::every_micro_batch : dist::Reduce::once};
        ParameterStore<F, under_test> store(model.registry(), zero.placement(world));
        right[std::size_t(world.rank())] = act(world, store);
      });
      return right == std::vector<int>(std::size_t(ranks), 1);
    };
    CHECK(on_ranks(writers, [&](dist::World& world, auto& store) {
      fill(store, 4);
      save_checkpoint(t / "step-00000004", store, Saving<F>::state(4), Saving<F>::about(), world);
      return std::filesystem::exists(t / "step-00000004");  // no rank goes on before it is there
    }));
    const RunCheckpoint c(t / "step-00000004");
    c.verify();
    CHECK(c.manifest().ranks == writers);
    CHECK(c.manifest().files.size() == std::size_t(writers) + 1);
    std::uintmax_t bytes = 0;
    for (const CheckpointFile& f : c.manifest().files) bytes += f.name.starts_with("rank") ? f.bytes : 0;
    CHECK(bytes < 10 * 2500u * 4 / 2);  // once, however many ranks had it
    for (const int readers : {1, 2, 3, 4})
      CHECK(on_ranks(readers, [&](dist::World&, auto& store) {
        fill(store, 9);
        c.load(store);
        return holds(store, 4);
      }));
  }
}
