// How many tokens and tiles a picture becomes, and the most that any may.
#include <catch2/catch.hpp>
#include <vlt/image/picture_rules.hpp>

using namespace vlt;

TEST_CASE("without a grid every picture is one tile") {
  const image::PictureRules rules = 5;
  CHECK_FALSE(rules.vary());
  CHECK((rules.tiles({3, 4}) == 1 && rules.tokens({3, 4}) == 5));
  CHECK((rules.min_tokens() == 5 && rules.max_tiles() == 1 && rules.max_tokens() == 5));
  const ImageLayout plain = rules.layout({3, 4});
  CHECK((plain.tiles == 1 && plain.row == ImageLayout::plain(5).row));
  CHECK(image::PictureRules(1).tokens({}) == 1);
  CHECK_THROWS(image::PictureRules(0));
  image::ClipProcessorFile processor;
  CHECK(image::PictureRules(processor, 3).tokens({}) == 9);
  CHECK_FALSE(image::PictureRules(processor, 3).vary());
}

TEST_CASE("with a grid a picture has its own tiles, and the largest canvas the most") {
  image::ClipProcessorFile processor;
  processor.crop = 28, processor.grid = {{28, 56}, {56, 56}, {56, 28}};
  const image::PictureRules rules(processor, 2);
  CHECK(rules.vary());
  CHECK((rules.tiles({28, 56}) == 3 && rules.tokens({28, 56}) == 4 + 2 * 4 + 2));
  CHECK((rules.tiles({56, 28}) == 3 && rules.tokens({56, 28}) == 4 + 4 * 2 + 4));
  CHECK((rules.tiles({56, 56}) == 5 && rules.tokens({56, 56}) == 4 + 4 * 4 + 4));
  CHECK((rules.min_tokens() == 4 && rules.max_tiles() == 5 && rules.max_tokens() == 24));
  const ImageLayout layout = rules.layout({28, 56});
  CHECK(layout.tiles == 3);
  const Index n = ImageLayout::newline;
  CHECK(layout.row == std::vector<Index>{0, 1, 2, 3, 4, 5, 8, 9, n, 6, 7, 10, 11, n});
}
