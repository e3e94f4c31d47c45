// Tokens become text, step by step.
#include <catch2/catch.hpp>
#include <vlt/text/token_decoder.hpp>

using namespace vlt;
using Parts = text::TokenizerFile;

namespace {
std::string decoded(std::vector<Parts::Decoder> steps, std::vector<std::string> tokens) {
  return text::TokenDecoder(std::move(steps))(std::move(tokens));
}
}  // namespace

TEST_CASE("without steps tokens are words") {
  CHECK(decoded({}, {"a", "b", "c"}) == "a b c");
  CHECK(text::TokenDecoder()({}).empty());
}

TEST_CASE("<0xNN> is a byte, and what only looks like one is text") {
  const auto bytes = [](std::vector<std::string> tokens) {
    return decoded({Parts::ByteFallback{}}, std::move(tokens));
  };
  CHECK(bytes({"x", "<0xC3>", "<0xa4>", "y"}) == "x\xc3\xa4y");
  CHECK(bytes({"<0x41>"}) == "A");
  CHECK(bytes({"<0xC3>", "y", "<0xA4>"}) == "\xef\xbf\xbdy\xef\xbf\xbd");
  CHECK(bytes({"<0xC3>", "<0x41>"}) == "\xef\xbf\xbd\xef\xbf\xbd");
  for (const char* text : {"<0x4G>", "<0xG4>", "<0x4>", "<0x041>", "<1x41>", "<0x41)", "<0x-4>"})
    CHECK(bytes({text}) == text);
}

TEST_CASE("blanks come back, but for the one before the first word") {
  const Parts::Metaspace always{"_", Parts::PrependScheme::always, true}, never{"_", Parts::PrependScheme::never, true};
  CHECK(decoded({always}, {"_a", "_b_", "c"}) == "a b c");
  CHECK(decoded({never}, {"_a", "_b"}) == " a b");
  CHECK(decoded({Parts::Replace{"_", " "}, Parts::Fuse{}, Parts::Strip{" ", 1, 0}}, {"_", "_a", "_b"}) == " a b");
  CHECK(decoded({Parts::Strip{"x", 2, 1}}, {"xxxaxx", "x"}) == "xax");
  CHECK(decoded({Parts::Strip{"", 2, 1}}, {"xa"}) == "xa");
}

TEST_CASE("a byte-level text is repaired where it is broken, and grows only so far") {
  CHECK(decoded({Parts::ByteLevel{}}, {"\xc4\xa0"
                                       "a",
                                       "\xc3\x83", "\xc2\xa4"}) == " a\xc3\xa4");
  CHECK(decoded({Parts::ByteLevel{}}, {"\xc3\x83"}) == "\xef\xbf\xbd");
  CHECK_NOTHROW(decoded({Parts::Replace{"a", std::string(4112, 'b')}}, {"a"}));
  CHECK_THROWS_AS(decoded({Parts::Replace{"a", std::string(4113, 'b')}}, {"a"}), Error);
}
