#pragma once
#include <cstdlib>
#include <memory>
#include <vlt/dist/mpi_world.hpp>
#include <vlt/options/option_table.hpp>

namespace vlt::dist {

// The job that a launcher started this process for.
struct Launch {
  int processes = 1;
  std::string launcher;  // empty: none
};

// By what Open MPI's, MPICH's and Slurm's launchers write into the environment.
inline Launch launch_of_environment() {
  constexpr std::pair<const char*, const char*> variables[] = {
      {"OMPI_COMM_WORLD_SIZE", "mpirun"}, {"PMI_SIZE", "mpiexec"}, {"SLURM_STEP_NUM_TASKS", "srun"}};
  for (const auto& [variable, launcher] : variables)
    if (const char* value = std::getenv(variable))
      if (const int processes = std::atoi(value); processes > 0) return {processes, launcher};
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
