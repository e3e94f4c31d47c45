// What the ranks of a run share before any model is built: the output folder and the terminal are rank 0's.
#include <sstream>
#include <unit/io/temporary_folder.hpp>
#include <vlt/dist/thread_group.hpp>
#include <vlt/program/sft_program.hpp>

using namespace vlt;
using vlt::test::TemporaryFolder;

namespace {

struct Said {
  std::string code, errors, output;
};
// Two ranks of a run into this folder, which end where no model is found, if not before.
std::vector<Said> two_ranks(const std::string& folder) {
  std::vector<Said> said(2);
  const Words args{"--data_path",
                   "d.json",
                   "--lm_model_name_or_path",
                   "none",
                   "--vision_model_name_or_path",
                   "none",
                   "--output_dir",
                   folder,
                   "--precision",
                   "bf16"};
  const auto rank = [&](dist::World& world) {
    Said& mine = said[std::size_t(world.rank())];
    std::ostringstream errors, output;
    program::Messages messages(errors, "sft_main", "0");
    const program::SftRunner runner = [](program::SftJob&) { return ExitCode::ok; };
    const KnownKinds known = library_kinds();
    program::SftProgram program(known, CompiledIn{}, {{"bf16", runner}}, messages, output, world);
    try {
      program(args);
    } catch (const Error& e) {
      mine.code = e.complaint().code();
      messages.error(e);
      mine.errors = errors.str(), mine.output = output.str();
      throw;
    }
  };
  CHECK_THROWS_AS(dist::ThreadGroup::run(2, rank), Error);
  return said;
}

}  // namespace

TEST_CASE("one rank makes and locks the output folder, for all", "[threads]") {
  const TemporaryFolder t;
  const auto said = two_ranks(t / "out");
  CHECK(said[0].code == "MODEL-PATH-001");
  CHECK(said[1].code != "OPT-OUT-013");
  CHECK(std::filesystem::is_directory(t / "out"));
}

TEST_CASE("where the output folder cannot be used no rank goes on", "[threads]") {
  const TemporaryFolder t;
  t.write("out/weights", "x");
  const auto said = two_ranks(t / "out");
  CHECK(said[0].code == "OPT-OUT-012");
  CHECK(said[1].code == "PEER-FAIL-001");
  CHECK_THAT(said[0].errors, Catch::StartsWith("sft_main[0]: error[OPT-OUT-012]"));
  CHECK_THAT(said[1].errors, Catch::StartsWith("sft_main[1]: error[PEER-FAIL-001]"));
}
