#include <vlt/io/crc32c.hpp>

#include <catch2/catch.hpp>
#include <string>

TEST_CASE("check sums are those of RFC 3720, appendix B.4") {
  std::string up, down;
  for (int i = 0; i < 32; ++i) up += char(i), down += char(31 - i);
  CHECK(vlt::crc32c("") == 0);
  CHECK(vlt::crc32c("123456789") == 0xE3069283u);
  CHECK(vlt::crc32c(std::string(32, '\0')) == 0x8A9136AAu);
  CHECK(vlt::crc32c(std::string(32, '\xFF')) == 0x62A8AB43u);
  CHECK(vlt::crc32c(up) == 0x46DD794Eu);
  CHECK(vlt::crc32c(down) == 0x113FDB5Cu);
}
