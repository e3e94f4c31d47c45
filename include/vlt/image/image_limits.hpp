#pragma once
#include <cstdint>
#include <string>
#include <vlt/base/quoted.hpp>
#include <vlt/base/thread_clock.hpp>
#include <vlt/io/blame.hpp>

namespace vlt::image {

// What an image file may ask for. Memory and time follow from these, whatever the bytes say.
struct ImageLimits {
  std::uint64_t file_bytes = std::uint64_t(64) << 20;
  std::int64_t side = 16384, pixels = 50000000;
  int jpeg_scans = 100, png_chunks = 100000;
  std::uint64_t memory_per_pixel = 24, memory_fixed = std::uint64_t(4) << 20;  // bytes a decoder may hold
  std::uint64_t memory_at_once = std::uint64_t(1) << 30;                       // bytes over all workers
  double seconds = 10;                                                         // of one core, for one image

  std::uint64_t memory(std::int64_t width, std::int64_t height) const {
    return memory_per_pixel * std::uint64_t(width) * std::uint64_t(height) + memory_fixed;
  }
};

enum class ImageFormat { png, jpeg };

// What the first bytes of an image promise, after everything cheap was checked.
struct ImageHeader {
  ImageFormat format = ImageFormat::png;
  std::int64_t width = 0, height = 0;
  int channels = 3;  // as stored
  int adobe = -1;    // what Adobe's segment of a JPEG says of its channels; -1: there is none
};

// Refuses an image: exit 3, DATA-IMAGE-….
struct ImageFault {
  std::string name;  // the file, for messages

  [[noreturn]] void operator()(const char* number, std::string what, std::string expected = {}, std::string found = {},
                               std::string help = {}) const {
    blame_data.raise(Complaint(std::string("IMAGE-") + number, std::move(what))
                         .at(name)
                         .expected(std::move(expected))
                         .found(std::move(found))
                         .help(std::move(help)));
  }
  [[noreturn]] void at(std::size_t byte, const char* number, std::string what, std::string expected = {},
                       std::string found = {}, std::string help = {}) const {
    ImageFault{name + " @ byte " + std::to_string(byte)}(number, std::move(what), std::move(expected), std::move(found),
                                                         std::move(help));
  }
};

// Throws IMAGE-012 for a picture without pixels or with too many.
inline void check_sides(std::int64_t width, std::int64_t height, const ImageLimits& limits, const ImageFault& fault) {
  const std::string sides = std::to_string(width) + " x " + std::to_string(height);
  if (width <= 0 || height <= 0) fault("012", "the image has no pixels", "at least 1 x 1", sides);
  if (width > limits.side || height > limits.side)
    fault("012", "the image is too large", "at most " + std::to_string(limits.side) + " pixels a side", sides,
          "make it smaller, or raise --limit_image_side");
  if (width * height > limits.pixels)
    fault("012", "the image is too large", "at most " + std::to_string(limits.pixels) + " pixels", sides,
          "make it smaller, or raise --limit_image_pixels: the model sees a few hundred pixels a side");
}

}  // namespace vlt::image
