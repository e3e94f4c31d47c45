#pragma once
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <vlt/dist/mpi_world.hpp>
#include <vlt/options/option_table.hpp>

namespace vlt::dist {

// The job that a launcher started this process for.
struct Launch {
  int processes = 1;
  std::string launcher;           // empty: none
  std::optional<int> local_rank;  // this process's number among those of its machine
};

// A number of the environment that is at least `lowest`.
inline std::optional<int> environment_number(const char* variable, int lowest) {
  const char* value = std::getenv(variable);
  int number = 0;
  if (!value) return std::nullopt;
  const auto [end, problem] = std::from_chars(value, value + std::strlen(value), number);
  return problem == std::errc() && *end == '\0' && number >= lowest ? std::optional(number) : std::nullopt;
}

// By what Open MPI's, MPICH's and Slurm's launchers write into the environment.
inline Launch launch_of_environment() {
  constexpr struct {
    const char *processes, *local_rank, *launcher;
  } variables[] = {{"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK", "mpirun"},
                   {"PMI_SIZE", "MPI_LOCALRANKID", "mpiexec"},
                   {"SLURM_STEP_NUM_TASKS", "SLURM_LOCALID", "srun"}};
  for (const auto& v : variables)
    if (const auto processes = environment_number(v.processes, 1))
      return {*processes, v.launcher, environment_number(v.local_rank, 0)};
  return {};
}

// What --version says of it.
inline std::string mpi_of_this_build() {
#if VLT_HAVE_MPI
  char text[MPI_MAX_LIBRARY_VERSION_STRING];
  int length = 0;
  MPI_Get_library_version(text, &length);
  const std::string all(text, std::size_t(length));
  return all.substr(0, all.find_first_of(",\n"));
#else
  return "none";
#endif
}

// The ranks of this process's job: its own alone, or those of MPI. A job of several processes is refused where MPI is
// not compiled in: each of them would train for itself.
inline std::unique_ptr<World> world_of_this_job() {
  const Launch launch = launch_of_environment();
  if (launch.processes == 1) return std::make_unique<Single>();
#if VLT_HAVE_MPI
  return std::make_unique<MpiWorld>();
#else
  refuse_option(Complaint("OPT-BUILD-016", "MPI is not compiled into this program")
                    .at(launch.launcher)
                    .expected("one process")
                    .found(std::to_string(launch.processes) + " processes")
                    .help("install libopenmpi-dev, then cmake -B build -DVLT_MPI=ON && cmake --build build"));
#endif
}

}  // namespace vlt::dist
