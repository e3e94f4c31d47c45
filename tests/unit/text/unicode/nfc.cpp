#include <vlt/text/unicode/nfc.hpp>

#include <catch2/catch.hpp>
#include <string>

namespace {

std::string normal(const std::string& text) {
  std::string out;
  for (const auto c : vlt::text::Nfc::table()(text)) vlt::utf8::append(out, c.code);
  return out;
}

}  // namespace

// Examples of UAX 15 and of its test file's kinds.
TEST_CASE("normalization form C", "[text]") {
  CHECK(normal("plain text") == "plain text");
  CHECK(normal("e\u0301") == "\u00e9");
  CHECK(normal("\u212b") == "\u00c5");              // Angstrom sign
  CHECK(normal("\u1e0b\u0323") == "\u1e0d\u0307");  // the dot below goes first
  CHECK(normal("D\u0307\u0323") == "\u1e0c\u0307");
  CHECK(normal("\u1112\u1161\u11ab") == "\ud55c");  // jamo
  CHECK(normal("\ud558\u11ab") == "\ud55c");
  CHECK(normal("\u0958") == "\u0915\u093c");  // never composed again
  CHECK(normal("a\u0315\u0300\u05ae\u0300b") == "\u00e0\u05ae\u0300\u0315b");
  CHECK(normal("\U0002f800") == "\u4e3d");
  CHECK(normal("a\u0305\u0301") == "a\u0305\u0301");  // a mark of the same class stands between
  CHECK(normal("\u0344") == "\u0308\u0301");
}

TEST_CASE("normal text is known as such", "[text]") {
  CHECK(vlt::text::Nfc::table().unchanged("plain \u00e9 \u6f22"));
  CHECK_FALSE(vlt::text::Nfc::table().unchanged("e\u0301"));
}
