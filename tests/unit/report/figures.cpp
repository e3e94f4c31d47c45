#include <vlt/report/figures.hpp>

#include <catch2/catch.hpp>

TEST_CASE("figures as people read them", "[pages]") {
  CHECK(vlt::shown_duration(7) == "0:07");
  CHECK(vlt::shown_duration(3723) == "1:02:03");
  CHECK(vlt::shown_count(999) == "999");
  CHECK(vlt::shown_count(1234567) == "1.23 M");
  CHECK(vlt::shown_count(999999) == "1.00 M");
  CHECK(vlt::shown_value(2e-5) == "2e-5");
  CHECK(vlt::shown_value(0) == "0");
  CHECK(vlt::shown_value(1400) == "1400");
  CHECK(vlt::shown_value(24500) == "24.5 k");
}
