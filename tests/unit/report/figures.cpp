#include <catch2/catch.hpp>
#include <vlt/report/figures.hpp>

using namespace vlt;

TEST_CASE("durations show hours where there are some") {
  CHECK(report::shown_duration(0) == "0:00");
  CHECK(report::shown_duration(-3) == "0:00");
  CHECK(report::shown_duration(7.4) == "0:07");
  CHECK(report::shown_duration(7.6) == "0:08");
  CHECK(report::shown_duration(59.6) == "1:00");
  CHECK(report::shown_duration(245) == "4:05");
  CHECK(report::shown_duration(3599) == "59:59");
  CHECK(report::shown_duration(3600) == "1:00:00");
  CHECK(report::shown_duration(3723) == "1:02:03");
  CHECK(report::shown_duration(360000 + 60 * 59 + 1) == "100:59:01");
}

TEST_CASE("counts have three significant digits and a unit") {
  CHECK(report::shown_count(0) == "0");
  CHECK(report::shown_count(7) == "7");
  CHECK(report::shown_count(7.5) == "7.50");
  CHECK(report::shown_count(999) == "999");
  CHECK(report::shown_count(999.6) == "1.00 k");
  CHECK(report::shown_count(1000) == "1.00 k");
  CHECK(report::shown_count(9994) == "9.99 k");
  CHECK(report::shown_count(9996) == "10.0 k");
  CHECK(report::shown_count(99949) == "99.9 k");
  CHECK(report::shown_count(99951) == "100 k");
  CHECK(report::shown_count(1234567) == "1.23 M");
  CHECK(report::shown_count(2e9) == "2.00 G");
  CHECK(report::shown_count(5e15) == "5000 T");  // there is no larger unit
}

TEST_CASE("values of an axis are as short as they can be") {
  CHECK(report::shown_value(0) == "0");
  CHECK(report::shown_value(0.25) == "0.25");
  CHECK(report::shown_value(2e-5) == "2e-5");
  CHECK(report::shown_value(-2e-5) == "-2e-5");
  CHECK(report::shown_value(1.234e-12) == "1.23e-12");
  CHECK(report::shown_value(0.001) == "0.001");
  CHECK(report::shown_value(9999) == "9999");
  CHECK(report::shown_value(10000) == "10 k");
  CHECK(report::shown_value(-12500) == "-12.5 k");
  CHECK(report::shown_value(3.5e10) == "35 G");
  CHECK(report::shown_value(1e17) == "1e+05 T");
}
