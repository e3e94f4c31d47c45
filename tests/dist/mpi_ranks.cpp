// The promises of a World, kept by processes: mpirun -n N mpi_ranks. Exit code 0 if every rank saw what it should.
#include <cstdio>
#include <unit/dist/collectives.hpp>
#include <vlt/dist/mpi_world.hpp>

int main() {
  using namespace vlt;
  dist::MpiWorld mpi;
  dist::World& world = mpi;
  const struct {
    const char* promise;
    bool kept;
  } seen[] = {{"sums are formed in rank order", test::sums_are_formed_in_rank_order(world)},
              {"a sum of 7 in place", test::collectives_work_in_place(world, 7)},
              {"a sum of a million in place", test::collectives_work_in_place(world, 1000003)},
              {"long shares arrive whole", test::long_shares_arrive_whole(world)},
              {"counts are exact, and one tells all", test::counts_are_exact_and_one_tells_all(world)}};
  Index broken = 0;
  for (const auto& [promise, kept] : seen) {
    if (!kept) std::printf("rank %d of %d: broken: %s\n", world.rank(), world.size(), promise);
    broken += !kept;
  }
  world.all_reduce_sum(std::span(&broken, 1));
  world.barrier();
  return broken > 0;
}
