// A run's checkpoints side by side: the newest that is whole counts, old ones go, and dead processes leave nothing.
#include <vlt/base/rng.hpp>
#include "saved_store.hpp"

using namespace saved_store;
using vlt::test::refused;
using vlt::test::TemporaryFolder;
using Steps = std::vector<Index>;

namespace {

struct Folder3 {
  TemporaryFolder t;
  CheckpointFolder folder{t / "checkpoints"};
  Folder3() {
    Saving<Precision::f32> saving;
    for (const Index step : {4, 8, 12}) saving.save(folder.path_of(step), step);
  }
  void damage(Index step) const { t.write("checkpoints/" + RunCheckpoint::name_of(step) + "/rank-000.bin", "x"); }
};

}  // namespace

TEST_CASE("checkpoints are named after their steps") {
  CHECK(RunCheckpoint::name_of(0) == "step-00000000");
  CHECK(RunCheckpoint::name_of(12345678) == "step-12345678");
  CHECK(RunCheckpoint::name_of(1234567890) == "step-1234567890");
  const Folder3 f;
  for (const char* other :
       {"step-4", "step-000000004", "step-0000004x", "step-", "latest", ".step-00000016.draft", "x"})
    f.t.write("checkpoints/" + std::string(other) + "/manifest.json", "{}");
  CHECK(f.folder.steps() == Steps{4, 8, 12});
  CHECK(f.folder.newest([](const Error&) { FAIL("rejected"); })->step() == 12);
}

TEST_CASE("a run without checkpoints has none that is newest") {
  const TemporaryFolder t;
  CHECK(CheckpointFolder(t / "nowhere").steps().empty());
  CHECK_FALSE(CheckpointFolder(t / "nowhere").newest([](const Error&) { FAIL("rejected"); }));
  CHECK(CheckpointFolder(t / "nowhere").remove_leftovers().empty());
}

TEST_CASE("the newest checkpoint that is whole is taken, and the others are named") {
  const Folder3 f;
  f.damage(12);
  std::filesystem::create_directories(f.folder.path_of(16));
  f.t.write("checkpoints/latest", "step-00000016");
  std::vector<std::string> rejected;
  const auto c = f.folder.newest([&](const Error& e) { rejected.push_back(e.complaint().place()); });
  CHECK(c->step() == 8);
  REQUIRE(rejected.size() == 2);
  CHECK_THAT(rejected[0], Catch::Contains("step-00000016"));
  CHECK_THAT(rejected[1], Catch::EndsWith("step-00000012/rank-000.bin"));
  f.damage(8), f.damage(4);
  refused([&] { f.folder.newest([](const Error&) {}); }, ExitCode::checkpoint, "CKPT-NONE-006", "4 that are damaged");
}

TEST_CASE("of a thousand mutations of a checkpoint none is believed: the older one is taken, with a warning") {
  const Folder3 f;
  const std::string newest = f.folder.path_of(12), older = f.folder.path_of(8);
  constexpr const char* files[] = {"manifest.json", "rank-000.bin", "run_state.json"};
  const RandomStream random{23, 1};
  std::uint64_t draws = 0;
  const auto below = [&](std::size_t n) { return std::size_t(random.below(draws++, std::uint64_t(n))); };
  for (int i = 0; i < 1000; ++i) {
    const std::string name = files[below(3)], path = newest + "/" + name, whole = test::read_text(path);
    std::string bytes = whole;
    const std::size_t at = below(bytes.size()), kind = below(7), length = 1 + below(64);
    if (kind == 0) bytes[at] = char(bytes[at] ^ 1 << below(8));  // a bit
    if (kind == 1) bytes.resize(at);                             // cut
    if (kind == 2) bytes.insert(at, length, 'x');                // longer
    if (kind == 3) bytes.erase(at, length);                      // shorter
    if (kind == 4) std::fill_n(bytes.begin() + std::ptrdiff_t(at), std::min(length, bytes.size() - at), '\xA5');
    if (kind == 5) bytes = test::read_text(older + "/" + name);  // another's
    if (kind == 6) bytes.clear();
    INFO(i << ": " << name << ", way " << kind << ", byte " << at << ", " << length);
    REQUIRE(bytes != whole);
    const auto put = [&](const std::string& content) { std::ofstream(path, std::ios::binary) << content; };
    if (kind == 6) std::filesystem::remove(path);
    else put(bytes);
    int warnings = 0;
    CHECK(f.folder.newest([&](const Error& e) { warnings += e.exit() == ExitCode::checkpoint; })->step() == 8);
    CHECK(warnings == 1);
    put(whole);
  }
  CHECK(f.folder.newest([](const Error&) { FAIL("rejected"); })->step() == 12);
}

TEST_CASE("the newest checkpoints stay, and those of a continuation that was given up go") {
  const Folder3 f;
  CHECK(f.folder.prune(12, 5) == 0);
  CHECK(f.folder.steps() == Steps{4, 8, 12});
  CHECK(f.folder.prune(12, 2) == 0);
  CHECK(f.folder.steps() == Steps{8, 12});
  CHECK(f.folder.prune(8, 1) == 1);
  CHECK(f.folder.steps() == Steps{8});
  CHECK(std::distance(std::filesystem::directory_iterator(f.t / "checkpoints"), {}) == 1);
}

TEST_CASE("what was half saved or half removed is no checkpoint, and goes") {
  const Folder3 f;
  f.t.write("checkpoints/.step-00000016.draft/rank-000.bin", "half");
  f.t.write("checkpoints/.step-00000002.removed/manifest.json", "half");
  f.t.write("checkpoints/.step-00000004.replaced/manifest.json", "perhaps the only one");
  CHECK(f.folder.steps() == Steps{4, 8, 12});
  CHECK(f.folder.remove_leftovers() == std::vector<std::string>{".step-00000002.removed", ".step-00000016.draft"});
  CHECK(std::distance(std::filesystem::directory_iterator(f.t / "checkpoints"), {}) == 4);
}

TEST_CASE("a manifest of nothing is of one rank, before any step") {
  const CheckpointManifest m;
  CHECK((m.step == 0 && m.updates == 0 && m.ranks == 1));
  CHECK((CheckpointFile().bytes == 0 && SectionPart().file == 0 && SectionPart().offset == 0));
  CHECK((SavedSection().elements == 0 && RunFact().fixed && FactChange().fixed));
}
