// Who belongs to a run: what launchers say, and ranks that were started differently.
#include <catch2/catch.hpp>
#include <vlt/dist/compare_ranks.hpp>
#include <vlt/dist/launch.hpp>
#include <vlt/dist/thread_group.hpp>

using namespace vlt;

namespace {

// The environment without a launcher, or with this variable of one, for as long as it lives.
struct Environment {
  std::string name;
  explicit Environment(const std::string& variable = {}, const char* value = "") : name(variable) {
    for (const char* v : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS", "OMPI_COMM_WORLD_LOCAL_RANK",
                          "MPI_LOCALRANKID", "SLURM_LOCALID"})
      ::unsetenv(v);
    if (!name.empty()) ::setenv(name.c_str(), value, 1);
  }
  ~Environment() { ::unsetenv(name.empty() ? "VLT_NO_LAUNCHER" : name.c_str()); }
};

}  // namespace

TEST_CASE("a launcher says how many processes its job has") {
  {
    const Environment none;
    CHECK(dist::launch_of_environment().processes == 1);
    CHECK(dist::launch_of_environment().launcher.empty());
  }
  const struct {
    const char *variable, *local_rank, *launcher;
  } known[] = {{"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK", "mpirun"},
               {"PMI_SIZE", "MPI_LOCALRANKID", "mpiexec"},
               {"SLURM_STEP_NUM_TASKS", "SLURM_LOCALID", "srun"}};
  for (const auto& k : known) {
    const Environment job(k.variable, "3");
    CHECK(dist::launch_of_environment().processes == 3);
    CHECK(dist::launch_of_environment().launcher == k.launcher);
    CHECK_FALSE(dist::launch_of_environment().local_rank);
    ::setenv(k.local_rank, "2", 1);
    CHECK(dist::launch_of_environment().local_rank == 2);
    ::setenv(k.local_rank, "-1", 1);
    CHECK_FALSE(dist::launch_of_environment().local_rank);
    ::unsetenv(k.local_rank);
  }
  for (const char* wrong : {"many", "0", "3 or so"}) {
    const Environment broken("PMI_SIZE", wrong);
    CHECK(dist::launch_of_environment().processes == 1);
  }
}

TEST_CASE("without MPI a job of several processes is refused") {
  {
    const Environment none;
    CHECK(dist::world_of_this_job()->size() == 1);
  }
  const Environment job("OMPI_COMM_WORLD_SIZE", "2");
  try {
    dist::world_of_this_job();
    FAIL("two processes would train two models");
  } catch (const Error& e) {
    CHECK(e.complaint().code() == "OPT-BUILD-016");
    CHECK(e.complaint().help().find("VLT_MPI=ON") != std::string::npos);
  }
}

TEST_CASE("ranks that were started differently are told where", "[threads]") {
  std::vector<std::string> said(3);
  const auto run = [&](const std::string& of_rank_2) {
    dist::ThreadGroup::run(3, [&](dist::World& world) {
      const std::string rate = world.rank() == 2 ? of_rank_2 : "0.1";
      try {
        dist::compare_ranks(world, {{"--seed", "1"}, {"--learning_rate", rate}, {"--data_path", "a b"}});
      } catch (const Error& e) {
        said[std::size_t(world.rank())] = e.complaint().code() + e.complaint().place() + e.complaint().found();
        throw;
      }
    });
  };
  CHECK_NOTHROW(run("0.1"));
  CHECK_THROWS_AS(run("0.2"), Error);
  for (const std::string& s : said) CHECK(s == "OPT-RANKS-022--learning_rate\"0.2\" on rank 2");
}
