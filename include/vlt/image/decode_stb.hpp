#pragma once
#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vlt/image/image.hpp>
#include <vlt/image/image_limits.hpp>
#include <vlt/image/stb_library.hpp>

namespace vlt::image::stb {

struct Release {
  void operator()(stbi_uc* pixels) const { budget.release(pixels); }
};

// Decodes what passed the pre-flight. The pixels of a PNG are exact; those of a JPEG are stb_image's own, which differ
// from libjpeg's by a few levels, and by more in the last two columns of colours that are stored at half the width.
inline Image decode(std::string_view bytes, const ImageHeader& h, const ImageLimits& limits, const ImageFault& fault) {
  budget = {std::size_t(limits.memory(h.width, h.height)), false};
  if (h.format == ImageFormat::jpeg && h.channels == 4 && h.adobe != 0 && h.adobe != 2)
    fault("044", "the image cannot be decoded", "four channels whose kind Adobe's segment tells",
          "neither CMYK nor YCCK");
  int width = 0, height = 0, stored = 0;
  const std::unique_ptr<stbi_uc, Release> pixels(stbi_load_from_memory(
      reinterpret_cast<const stbi_uc*>(bytes.data()), int(bytes.size()), &width, &height, &stored, Image::channels));
  if (!pixels && budget.refused)
    fault("016", "the image holds more data than w x h needs", "w x h pixels", "the decoder ran out of its memory");
  if (!pixels) fault("044", "the image cannot be decoded", "data that stb_image reads", stbi_failure_reason());
  if (width != h.width || height != h.height)
    fault("044", "the image cannot be decoded", "the sides of its header", "others");
  Image out(width, height);
  std::copy_n(pixels.get(), out.pixels.size(), out.pixels.begin());
  return out;
}

}  // namespace vlt::image::stb
