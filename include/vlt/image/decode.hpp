#pragma once
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vlt/image/image.hpp>
#include <vlt/image/preflight.hpp>

// The build says which decoders there are: VLT_HAVE_JPEG (libjpeg-turbo), VLT_HAVE_PNG (libpng), VLT_HAVE_STB
// (stb_image, for what the others do not cover).
#ifdef VLT_HAVE_JPEG
#include <vlt/image/decode_jpeg.hpp>
#endif
#ifdef VLT_HAVE_PNG
#include <vlt/image/decode_png.hpp>
#endif
#if !defined(VLT_HAVE_JPEG) || !defined(VLT_HAVE_PNG)
#ifndef VLT_STB_VERSION
#define VLT_STB_VERSION "of unknown version"
#endif
#include <vlt/image/decode_stb.hpp>
#endif

namespace vlt::image {

// Memory that all workers together may use for decoding. An image that needs more than there is runs alone.
class DecodePool {
 public:
  explicit DecodePool(std::uint64_t bytes) : all_(bytes), left_(bytes) {}

  // Waits until there is room for an image, and holds it.
  class Place {
   public:
    Place(DecodePool& pool, std::uint64_t bytes) : pool_(pool), bytes_(std::min(bytes, pool.all_)) {
      std::unique_lock lock(pool_.mutex_);
      pool_.freed_.wait(lock, [&] { return pool_.left_ >= bytes_; });
      pool_.left_ -= bytes_;
    }
    ~Place() {
      {
        const std::lock_guard lock(pool_.mutex_);
        pool_.left_ += bytes_;
      }
      pool_.freed_.notify_all();
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

   private:
    DecodePool& pool_;
    std::uint64_t bytes_;
  };

 private:
  std::uint64_t all_, left_;
  std::mutex mutex_;
  std::condition_variable freed_;
};

// Bytes of a PNG or JPEG to RGB pixels: alpha is dropped, 16-bit samples keep their high byte, EXIF orientation is not
// applied. Several threads may decode at a time with one decoder; copies share its memory.
class ImageDecoder {
 public:
  explicit ImageDecoder(const ImageLimits& limits = {})
      : limits_(limits), pool_(std::make_shared<DecodePool>(limits.memory_at_once)) {}

  const ImageLimits& limits() const { return limits_; }

  // `name` is what messages call the file. Throws DATA-IMAGE-… (exit 3).
  Image operator()(std::string_view bytes, const std::string& name) const {
    Image picture;
    with(bytes, name, [&](Image decoded) { picture = std::move(decoded); });
    return picture;
  }
  // Calls use(Image). Until it returns the picture counts among what all decoders hold together.
  template <class Use> void with(std::string_view bytes, const std::string& name, Use&& use) const {
    const ImageHeader header = preflight(bytes, name, limits_);
    const DecodePool::Place place(*pool_, limits_.memory(header.width, header.height));
    const ImageFault fault{name};
    use(header.format == ImageFormat::jpeg ? decode_jpeg(bytes, header, fault) : decode_png(bytes, header, fault));
  }

  // Names and versions of the decoders: they decide the last bits of pixels, so the receipt holds them.
  static std::string id() { return "jpeg: " + jpeg_name() + "; png: " + png_name(); }

 private:
  ImageLimits limits_;
  std::shared_ptr<DecodePool> pool_;

#ifdef VLT_HAVE_JPEG
  Image decode_jpeg(std::string_view b, const ImageHeader& h, const ImageFault& f) const {
    return jpeg::decode_turbo(b, h, limits_, f);
  }
  static std::string jpeg_name() { return jpeg::turbo_name(); }
#else
  Image decode_jpeg(std::string_view b, const ImageHeader& h, const ImageFault& f) const {
    return stb::decode(b, h, limits_, f);
  }
  static std::string jpeg_name() { return "stb_image " VLT_STB_VERSION; }
#endif
#ifdef VLT_HAVE_PNG
  Image decode_png(std::string_view b, const ImageHeader& h, const ImageFault& f) const {
    return png::decode_libpng(b, h, limits_, f);
  }
  static std::string png_name() { return png::library_name(); }
#else
  Image decode_png(std::string_view b, const ImageHeader& h, const ImageFault& f) const {
    return stb::decode(b, h, limits_, f);
  }
  static std::string png_name() { return "stb_image " VLT_STB_VERSION; }
#endif
};

}  // namespace vlt::image
