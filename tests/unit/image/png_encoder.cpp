// A PNG that is written holds the pixels: the decoders, which are tested against Pillow, read them again.
#include <random>
#include <unit/image/pictures.hpp>
#include <vlt/image/decode.hpp>
#include <vlt/image/png_encoder.hpp>

using namespace vlt;

namespace {

image::Image noise(int width, int height, unsigned seed) {
  image::Image image(width, height);
  std::mt19937 random(seed);
  for (auto& p : image.pixels) p = std::uint8_t(random());
  return image;
}

}  // namespace

TEST_CASE("a PNG holds the pixels", "[pages]") {
  const image::ImageDecoder decode;
  for (const auto& [width, height] : {std::pair(1, 1), std::pair(1, 9), std::pair(13, 1), std::pair(33, 31)})
    for (const image::Image& image :
         {test::drawn(width, height), noise(width, height, 1), image::Image(width, height)}) {
      const std::string png = image::encode_png(image);
      const image::ImageHeader header = image::preflight(png, "x");
      CHECK(header.format == image::ImageFormat::png);
      CHECK(header.width == width);
      CHECK(header.height == height);
      CHECK(decode(png, "x").pixels == image.pixels);
      CHECK(image::encode_png(image) == png);
    }
  const image::Image large = noise(700, 300, 2);  // beyond the window in which repetitions are looked for
  CHECK(decode(image::encode_png(large), "x").pixels == large.pixels);
}

TEST_CASE("a PNG is smaller than its pixels where they repeat", "[pages]") {
  CHECK(image::encode_png(image::Image(384, 384)).size() < 5000);
  CHECK(image::encode_png(test::drawn(384, 384)).size() < 384 * 384);
}

TEST_CASE("what no PNG can hold is refused", "[pages]") {
  CHECK_THROWS_AS(image::encode_png(image::Image()), std::invalid_argument);
  image::Image endless;
  endless.width = 1 << 16, endless.height = 1 << 14;  // more bytes than an int counts
  CHECK_THROWS_AS(image::encode_png(endless), std::invalid_argument);
}
