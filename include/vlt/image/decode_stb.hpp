#pragma once
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vlt/image/image.hpp>
#include <vlt/image/image_limits.hpp>
#include <vlt/image/jpeg_pixels.hpp>
#include <vlt/image/jpeg_transform.hpp>
#include <vlt/image/stb_library.hpp>

namespace vlt::stb {

// The channels of a JPEG: stb_image reads the coefficients. Its own way from there to RGB differs from libjpeg's, in
// last columns and narrow pictures by any number of levels, and is not taken.
class JpegChannels {
 public:
  explicit JpegChannels(std::string_view bytes) : jpeg_(std::make_unique<stbi__jpeg>()) {
    stbi__start_mem(&source_, reinterpret_cast<const stbi_uc*>(bytes.data()), int(bytes.size()));
    source_.img_n = 0;
    jpeg_->s = &source_;
    stbi__setup_jpeg(jpeg_.get());
    jpeg_->idct_block_kernel = [](stbi_uc* out, int stride, short* block) {
      jpeg::inverse_transform(block, out, stride);
    };
    decoded_ = stbi__decode_jpeg_image(jpeg_.get()) != 0;
  }
  ~JpegChannels() { stbi__cleanup_jpeg(jpeg_.get()); }
  JpegChannels(const JpegChannels&) = delete;
  JpegChannels& operator=(const JpegChannels&) = delete;

  bool decoded() const { return decoded_; }  // else stbi_failure_reason() says why
  int count() const { return source_.img_n; }
  int width() const { return int(source_.img_x); }
  int height() const { return int(source_.img_y); }
  // False: some channel is not a whole number of times smaller than the picture.
  bool whole_factors() const {
    for (int i = 0; i < count(); ++i)
      if (jpeg_->img_h_max % jpeg_->img_comp[i].h != 0 || jpeg_->img_v_max % jpeg_->img_comp[i].v != 0) return false;
    return true;
  }
  jpeg::Plane channel(int i) const {
    const auto& c = jpeg_->img_comp[i];
    return {c.data, c.x, c.y, c.w2, jpeg_->img_h_max / c.h, jpeg_->img_v_max / c.v};
  }
  // Three channels are colours by themselves, or four are inks: not luma and chroma. As libjpeg decides it.
  bool plain_colours() const {
    const int transform = jpeg_->app14_color_transform;  // of the Adobe segment; -1: there is none
    if (count() == 4) return transform <= 0;
    if (jpeg_->jfif) return false;
    const auto id = [&](int i) { return jpeg_->img_comp[i].id; };
    return transform == 0 || (transform < 0 && id(0) == 'R' && id(1) == 'G' && id(2) == 'B');
  }

 private:
  stbi__context source_{};
  std::unique_ptr<stbi__jpeg> jpeg_;
  bool decoded_ = false;
};

// One row of pixels from its samples in each channel.
inline void write_row(const JpegChannels& jpeg, const std::array<std::vector<std::uint8_t>, 4>& rows, Image& out,
                      int y) {
  const int channels = jpeg.count();
  const bool plain = jpeg.plain_colours();
  std::uint8_t* to = out.row(y);
  for (int x = 0; x < out.width; ++x, to += 3) {
    const auto at = [&](int channel) { return rows[std::size_t(channel)][std::size_t(x)]; };
    jpeg::Rgb pixel{at(0), at(0), at(0)};
    if (channels > 1) pixel = plain ? jpeg::Rgb{at(0), at(1), at(2)} : jpeg::from_ycc(at(0), at(1), at(2));
    if (channels == 4) {
      if (!plain) pixel = {std::uint8_t(~pixel.red), std::uint8_t(~pixel.green), std::uint8_t(~pixel.blue)};
      pixel = {jpeg::from_inverted_cmyk(pixel.red, at(3)), jpeg::from_inverted_cmyk(pixel.green, at(3)),
               jpeg::from_inverted_cmyk(pixel.blue, at(3))};
    }
    to[0] = pixel.red, to[1] = pixel.green, to[2] = pixel.blue;
  }
}

inline Image decode_jpeg(std::string_view bytes, const ImageHeader& h, const ImageFault& fault) {
  const JpegChannels jpeg(bytes);
  if (!jpeg.decoded() && budget.refused)
    fault("016", "the image holds more data than w x h needs", {}, "the decoder ran out of its memory");
  if (!jpeg.decoded()) fault("044", "the image cannot be decoded: " + std::string(stbi_failure_reason()));
  if (jpeg.width() != h.width || jpeg.height() != h.height)
    fault("044", "the image cannot be decoded: sizes differ from the header's");
  if (!jpeg.whole_factors()) fault("044", "the image cannot be decoded: its channels have fractional sampling");
  Image out(jpeg.width(), jpeg.height());
  std::array<std::vector<std::uint8_t>, 4> rows;
  for (int i = 0; i < jpeg.count(); ++i) {
    const jpeg::Plane p = jpeg.channel(i);
    rows[std::size_t(i)].resize(std::size_t(p.width) * std::size_t(p.across));
  }
  for (int y = 0; y < out.height; ++y) {
    for (int i = 0; i < jpeg.count(); ++i) jpeg::full_row(jpeg.channel(i), y, rows[std::size_t(i)].data());
    write_row(jpeg, rows, out, y);
  }
  return out;
}

inline Image decode_png(std::string_view bytes, const ImageHeader& h, const ImageFault& fault) {
  int width = 0, height = 0, stored = 0;
  auto* pixels = stbi_load_from_memory(reinterpret_cast<const stbi_uc*>(bytes.data()), int(bytes.size()), &width,
                                       &height, &stored, Image::channels);
  if (!pixels && budget.refused)
    fault("016", "the image holds more data than w x h needs", {}, "the decoder ran out of its memory");
  if (!pixels) fault("044", "the image cannot be decoded: " + std::string(stbi_failure_reason()));
  const bool same = width == h.width && height == h.height;
  Image out(int(h.width), int(h.height));
  if (same) std::copy(pixels, pixels + out.pixels.size(), out.pixels.begin());
  budget.release(pixels);
  if (!same) fault("044", "the image cannot be decoded: sizes differ from the header's");
  return out;
}

// Decodes what passed the pre-flight.
inline Image decode(std::string_view bytes, const ImageHeader& h, const ImageLimits& limits, const ImageFault& fault) {
  budget = {std::size_t(limits.memory(h.width, h.height)), false};
  return h.format == ImageFormat::jpeg ? decode_jpeg(bytes, h, fault) : decode_png(bytes, h, fault);
}

}  // namespace vlt::stb
