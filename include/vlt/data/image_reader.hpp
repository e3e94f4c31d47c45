#pragma once
#include <atomic>
#include <memory>
#include <vlt/data/data_options.hpp>
#include <vlt/image/decode.hpp>
#include <vlt/image/image_folder.hpp>
#include <vlt/image/picture_processor.hpp>

namespace vlt::data {

// The pictures of an image folder: looked at by the audit, decoded and turned into pixels by the loaders' threads.
class ImageReader {
 public:
  // folder: may be empty; then the first record that names an image is an error.
  ImageReader(const std::string& folder, const image::ClipProcessorFile& processor,
              const image::ImageLimits& limits = {})
      : shared_(std::make_shared<Shared>(folder, processor, limits)) {}

  Pictures pictures() const {
    Pictures p;
    p.check = [s = shared_](const std::string& name, bool advise) { return s->look(name, advise); };
    p.read = [s = shared_](const std::string& name, std::span<float> to) { s->read(name, to); };
    p.file = [s = shared_](const std::string& name) { return s->folder.read(name); };
    p.floats_per_image = Index(shared_->processor.floats_per_tile());
    return p;
  }
  // The whole file, the picture in it, and what the model sees of that: its tiles.
  std::string file(const std::string& name) const { return shared_->folder.read(name); }
  image::Image image(const std::string& name) const { return shared_->decoder(file(name), name); }
  std::vector<image::Image> seen(const std::string& name) const { return shared_->processor.tiles(image(name)); }
  // Appends the pixels of a picture's tiles, and tells its size.
  image::Size append(const std::string& name, std::vector<float>& to) const { return shared_->append(name, to); }

  // Bytes that the largest picture takes which was looked at, decoded.
  std::size_t largest_decode() const { return shared_->largest; }

 private:
  struct Shared {
    image::ImageFolder folder;
    image::ImageDecoder decoder;
    image::PictureProcessor processor;
    std::atomic<std::size_t> largest{0};

    Shared(const std::string& path, const image::ClipProcessorFile& file, const image::ImageLimits& limits)
        : folder(path, limits), decoder(limits), processor(file) {}
    image::Size look(const std::string& name, bool advise) {
      const image::ImageHeader header = folder.check(name, advise);
      const auto needs = std::size_t(header.width * header.height) * image::Image::channels;
      for (std::size_t before = largest; before < needs && !largest.compare_exchange_weak(before, needs);) {}
      return {int(header.height), int(header.width)};
    }
    image::Size append(const std::string& name, std::vector<float>& to) const {
      image::Size size;
      decoder.with(folder.read(name), name, [&](const image::Image& picture) {
        processor.append(picture, to);
        size = picture.size();
      });
      return size;
    }
    // to: as many tiles as the audit counted.
    void read(const std::string& name, std::span<float> to) const {
      std::vector<float> pixels;
      const image::Size size = append(name, pixels);
      if (pixels.size() != to.size())
        image::ImageFault{name}("045", "the image has changed since the audit: it has another number of tiles",
                                tiles(to.size()),
                                tiles(pixels.size()) + " of an image of " + std::to_string(size.width) + " x " +
                                    std::to_string(size.height),
                                "do not write to the images while a program reads them");
      std::copy(pixels.begin(), pixels.end(), to.begin());
    }
    std::string tiles(std::size_t floats) const { return std::to_string(floats / processor.floats_per_tile()); }
  };
  std::shared_ptr<Shared> shared_;
};

}  // namespace vlt::data
