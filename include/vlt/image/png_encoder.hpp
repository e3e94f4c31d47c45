#pragma once
#include <memory>
#include <string>
#include <vlt/image/image.hpp>
#include <vlt/image/stb_writer.hpp>

namespace vlt::image {

// An image as the bytes of a PNG file. They depend on the pixels and the version of stb_image_write, not on the
// machine.
inline std::string encode_png(const Image& image) {
  require(image.width > 0 && image.height > 0, "encode_png: an image has at least one pixel");
  // stb_image_write counts bytes in an int, twice as many as there are pixels' (github.com/nothings/stb/issues/1964).
  require((std::int64_t(image.width) * Image::channels + 1) * image.height <= 1 << 29,
          "encode_png: an image has at most 2^29 bytes");
  int bytes = 0;
  const std::unique_ptr<unsigned char, decltype(&std::free)> png(
      stb::stbi_write_png_to_mem(image.pixels.data(), image.width * Image::channels, image.width, image.height,
                                 Image::channels, &bytes),
      &std::free);
  return {reinterpret_cast<const char*>(png.get()), std::size_t(bytes)};
}

}  // namespace vlt::image
