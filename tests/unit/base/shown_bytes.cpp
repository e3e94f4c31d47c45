#include <vlt/base/shown_bytes.hpp>

#include <catch2/catch.hpp>

using vlt::shown_bytes;

TEST_CASE("bytes are shown in the largest unit that they fill") {
  CHECK(shown_bytes(0) == "0 B");
  CHECK(shown_bytes(1023) == "1023 B");
  CHECK(shown_bytes(1024) == "1.00 KiB");
  CHECK(shown_bytes(1536) == "1.50 KiB");
  CHECK(shown_bytes(1023.99 * 1024) == "1023.99 KiB");
  CHECK(shown_bytes(1023.999 * 1024) == "1.00 MiB");  // never 1024.00 of a smaller unit
  CHECK(shown_bytes(300.0 * (1 << 20)) == "300.00 MiB");
  CHECK(shown_bytes(5.0 * (1ull << 40)) == "5.00 TiB");
  CHECK(shown_bytes(2000.0 * 1024 * (1ull << 40)) == "2000.00 PiB");  // there is no larger unit
}
