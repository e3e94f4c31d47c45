#include <catch2/catch.hpp>
#include <unit/io/temporary_folder.hpp>
#include <vlt/io/nearest_path.hpp>

using namespace vlt;
using namespace vlt::test;

TEST_CASE("a misspelt path is answered with one that exists") {
  const TemporaryFolder t;
  std::filesystem::create_directories(t.path + "/models/SmolLM2");
  t.write("models/SmolLM2/config.json", "{}");
  t.write("train.json", "[]");
  CHECK(nearest_path(t.path + "/trian.json") == t.path + "/train.json");
  CHECK(nearest_path(t.path + "/model/SmolLM2") == t.path + "/models/SmolLM2");
  CHECK(nearest_path(t.path + "/model/SmolLM2/config.json") == t.path + "/models/SmolLM2/config.json");
  CHECK(nearest_path(t.path + "/model/other/config.json") == t.path + "/models");
  CHECK(nearest_path(t.path + "/models/SmolLM2/confg.json") == t.path + "/models/SmolLM2/config.json");
  CHECK(nearest_path(t.path + "/nothing like it").empty());
  CHECK(nearest_path(t.path + "/train.json").empty());
  CHECK(nearest_path(t.path + "/train.json/x").empty());
  CHECK(did_you_mean_path(t.path + "/trian.json") == "did you mean " + t.path + "/train.json?");
  CHECK(did_you_mean_path(t.path + "/nothing like it").empty());
}
