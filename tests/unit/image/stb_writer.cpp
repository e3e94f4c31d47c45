// Our copy of stb_image_write stands beside a program's own, whichever comes first.
#include <catch2/catch.hpp>
#include <vlt/image/png_encoder.hpp>

#define STB_IMAGE_WRITE_STATIC
#define STB_IMAGE_WRITE_IMPLEMENTATION
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb_image_write.h>

TEST_CASE("a program's own stb_image_write is as it wants it", "[pages]") {
  vlt::image::Image image(5, 4);
  image.row(1)[7] = 200;
  int bytes = 0;
  unsigned char* png = ::stbi_write_png_to_mem(image.pixels.data(), 15, 5, 4, 3, &bytes);
  CHECK(std::string(reinterpret_cast<const char*>(png), std::size_t(bytes)) == vlt::image::encode_png(image));
  ::stbi_flip_vertically_on_write(1);  // its own setting, not ours
  unsigned char* flipped = ::stbi_write_png_to_mem(image.pixels.data(), 15, 5, 4, 3, &bytes);
  CHECK(std::string(reinterpret_cast<const char*>(flipped), std::size_t(bytes)) != vlt::image::encode_png(image));
  ::free(png), ::free(flipped);
}

TEST_CASE("the end of memory is an exception", "[pages]") {
  CHECK_THROWS_AS(vlt::image::stb::there(nullptr), std::bad_alloc);
  int block = 0;
  CHECK(vlt::image::stb::there(&block) == &block);
}
