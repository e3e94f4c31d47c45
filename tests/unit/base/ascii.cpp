#include <catch2/catch.hpp>
#include <vlt/base/ascii.hpp>

TEST_CASE("ASCII letters become small, all other bytes stay") {
  CHECK(vlt::ascii_lower("Cat.PNG [@`{ 09 \xc3\x84") == "cat.png [@`{ 09 \xc3\x84");
  CHECK(vlt::ascii_lower("AZaz") == "azaz");
  CHECK(vlt::ascii_lower("").empty());
}
