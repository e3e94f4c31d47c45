#include <catch2/catch.hpp>
#include <vlt/dist/gather_texts.hpp>
#include <vlt/dist/thread_group.hpp>

using namespace vlt;

TEST_CASE("every rank gets the texts of all, in the order of ranks", "[threads]") {
  using Texts = std::vector<std::string>;
  const Texts some{"first", "", std::string("z\0ero", 5)}, none{"", "", ""};
  std::vector<std::vector<Texts>> got(3);
  dist::ThreadGroup::run(3, [&](dist::World& world) {
    for (const Texts& texts : {some, none, some})
      got[std::size_t(world.rank())].push_back(dist::gather_texts(world, texts[std::size_t(world.rank())]));
  });
  for (const auto& rank : got) CHECK(rank == std::vector<Texts>{some, none, some});
  dist::Single single;
  CHECK(dist::gather_texts(single, "alone") == Texts{"alone"});
}
