#include <vlt/io/base64.hpp>

#include <catch2/catch.hpp>

TEST_CASE("bytes become base64 with padding") {
  // RFC 4648, section 10
  CHECK(vlt::base64("") == "");
  CHECK(vlt::base64("f") == "Zg==");
  CHECK(vlt::base64("fo") == "Zm8=");
  CHECK(vlt::base64("foo") == "Zm9v");
  CHECK(vlt::base64("foob") == "Zm9vYg==");
  CHECK(vlt::base64("fooba") == "Zm9vYmE=");
  CHECK(vlt::base64("foobar") == "Zm9vYmFy");
  CHECK(vlt::base64(std::string_view("\0\xff\xfe\xfb", 4)) == "AP/++w==");
}
