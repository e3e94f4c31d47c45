#include <catch2/catch.hpp>
#include <vlt/base/nearest.hpp>

using namespace vlt;

TEST_CASE("the distance of two names is how many bytes are mistaken") {
  CHECK(edit_distance("", "", 9) == 0);
  CHECK(edit_distance("", "abc", 9) == 3);
  CHECK(edit_distance("kitten", "sitting", 9) == 3);
  CHECK(edit_distance("sitting", "kitten", 9) == 3);
  CHECK(edit_distance("abc", "abc", 9) == 0);
  CHECK(edit_distance("abc", "abd", 9) == 1);
  CHECK(edit_distance("abc", "bc", 9) == 1);
  CHECK(edit_distance("abcdef", "ghijkl", 9) == 6);
  CHECK(edit_distance("ab", "ba", 9) == 2);
  // Not beyond the limit, whether lengths tell, or rows on the way, or only the last
  CHECK(edit_distance("a", "abcdefgh", 3) == 3);
  CHECK(edit_distance("abcdefgh", "ijklmnop", 3) == 3);
  CHECK(edit_distance("abcx", "abcy", 1) == 1);
  CHECK(edit_distance("kitten", "sitting", 4) == 3);
}

TEST_CASE("who is meant is the nearest name within two mistakes, or a sixth of a long one") {
  const std::vector<std::string> names{"seed", "speed", "output_dir", "learning_rate_pretraining_components"};
  CHECK(nearest_name("sed", names) == "seed");
  CHECK(nearest_name("sped", names) == "seed");  // of equals the first
  CHECK(nearest_name("spee", names) == "speed");
  CHECK(nearest_name("outptu_dir", names) == "output_dir");
  CHECK(nearest_name("outptu_drr", names).empty());
  CHECK(nearest_name("learning_rates_of_pretraining_component", names) == "learning_rate_pretraining_components");
  CHECK(nearest_name("learning_ratesxof_pretrainingycomponentz", names) == "learning_rate_pretraining_components");
  CHECK(nearest_name("learning_ratesxof_pretrainingycomponentzq", names).empty());
  CHECK(nearest_name("xyz", std::vector<std::string>{}).empty());
}
