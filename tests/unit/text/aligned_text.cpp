// A rewritten text still knows where each of its bytes came from.
#include <catch2/catch.hpp>
#include <vlt/text/aligned_text.hpp>

using namespace vlt;
using text::AlignedText, text::ByteRange;

namespace {
// Of every byte of the view: "begin-end" in the original.
std::string origins(const AlignedText& t) {
  std::string all;
  for (std::size_t i = 0; i < t.view().size(); ++i) {
    const ByteRange r = t.origin(i, i + 1);
    all += std::to_string(r.begin) + "-" + std::to_string(r.end) + " ";
  }
  return all;
}
}  // namespace

TEST_CASE("a part of a text stands for whole characters of it") {
  const std::string text = "xa\xc3\xa4z";
  const AlignedText part(text, {1, 4});
  CHECK(part.view() == "a\xc3\xa4");
  CHECK(part.begin() == 1);
  CHECK(origins(part) == "1-2 2-4 2-4 ");
  CHECK(part.origin(0, 2) == ByteRange{1, 4});
  CHECK(part.slice({1, 3}).view() == "\xc3\xa4");
  CHECK(part.most() == 16 * 3 + 4096);
}

TEST_CASE("what replaces a text stands for its last character") {
  const std::string text = "..ab-ab";
  AlignedText t(text, {2, 7});
  t.replace("x", "y");
  CHECK(t.view() == "ab-ab");
  CHECK(origins(t) == "2-3 3-4 4-5 5-6 6-7 ");
  t.replace("ab", "xyz");
  CHECK(t.view() == "xyz-xyz");
  CHECK(origins(t) == "3-4 3-4 3-4 4-5 6-7 6-7 6-7 ");
  t.replace("-", "");
  CHECK(t.view() == "xyzxyz");
  CHECK(t.origin(2, 4) == ByteRange{3, 7});
  CHECK(t.slice({3, 6}).view() == "xyz");
  CHECK(origins(t.slice({3, 6})) == "6-7 6-7 6-7 ");
  CHECK(t.slice({3, 6}).begin32() == 6);
}

TEST_CASE("what is put before a text stands for its first character") {
  const std::string text = ".\xc3\xa4z";
  AlignedText t(text, {1, 4});
  t.prepend("__");
  CHECK(t.view() == "__\xc3\xa4z");
  CHECK(origins(t) == "1-3 1-3 1-3 1-3 3-4 ");
  AlignedText none(text, {1, 1});
  none.prepend("_");
  CHECK(none.view().empty());
}

TEST_CASE("a text may grow 16 times and by a page, no more") {
  const std::string text(10, 'a');
  AlignedText t(text, {0, 10});
  CHECK_NOTHROW(AlignedText(t).prepend(std::string(4246, 'b')));
  CHECK_THROWS_AS(AlignedText(t).prepend(std::string(4247, 'b')), Error);
  CHECK_THROWS_AS(AlignedText(t).replace("a", std::string(426, 'b')), Error);
  CHECK_THROWS_AS(AlignedText(t).rewrite(std::string(4257, 'b'), {}), Error);
}
