// How adapter folders call modules, and which settings say something.
#include <catch2/catch.hpp>
#include <vlt/hub/adapter_folder.hpp>

using namespace vlt;
namespace names = hub::adapter_folder;

TEST_CASE("a module's name is what stands before its adapter's") {
  CHECK(names::module_of("a.b.q_proj.lora_A.weight") == "a.b.q_proj");
  CHECK(names::module_of("a.lora_x.q.lora_B.weight") == "a.lora_x.q");
  CHECK(names::module_of("a.b.weight").empty());
  CHECK(names::names([](const std::string& n) { return "x." + n; })("q") == "base_model.model.x.q");
}

TEST_CASE("a folder's modules are called as one of them shows") {
  const auto called = [](const std::string& shown, const std::string& name) {
    return names::module_names(shown)(name);
  };
  const std::string layer = "model.layers.0.q_proj", tower = "vision_model.encoder.layers.0.q_proj";
  CHECK(called("model.layers.1.k_proj", layer) == layer);
  CHECK(called("vision_model.encoder.x", tower) == tower);
  CHECK(called("encoder.x", tower) == "encoder.layers.0.q_proj");
  CHECK(called("language_model.model.layers.1.k_proj", layer) == "language_model." + layer);
  CHECK(called("model.language_model.layers.1.k_proj", layer) == "model.language_model.layers.0.q_proj");
  CHECK(called("model.vision_tower.encoder.x", layer) == "model.language_model.layers.0.q_proj");
  CHECK(called("vision_tower.encoder.x", tower) == "vision_tower.encoder.layers.0.q_proj");
  CHECK(called("vision_tower.vision_model.encoder.x", tower) == "vision_tower." + tower);
  CHECK(called("model.vision_tower.vision_model.encoder.x", tower) == "model.vision_tower." + tower);
}

TEST_CASE("the registry's name of a folder's module") {
  CHECK(names::own_name("model.language_model.layers.0.q_proj") == "model.layers.0.q_proj");
  CHECK(names::own_name("language_model.model.layers.0.q_proj") == "model.layers.0.q_proj");
  CHECK(names::own_name("model.vision_tower.vision_model.x") == "vision_model.x");
  CHECK(names::own_name("vision_tower.vision_model.x") == "vision_model.x");
  CHECK(names::own_name("model.layers.0.q_proj") == "model.layers.0.q_proj");
}

TEST_CASE("a setting says something unless it is null, false or empty") {
  for (const char* nothing : {"null", "false", "[]", "{}"})
    CHECK_FALSE(names::says_something(boost::json::parse(nothing)));
  for (const char* something : {"true", "[1]", "{\"a\":1}", "0", "\"\"", "1.5"})
    CHECK(names::says_something(boost::json::parse(something)));
  CHECK((hub::AdapterConfig{}.rank == 0 && hub::AdapterConfig{}.alpha == 0));
}
