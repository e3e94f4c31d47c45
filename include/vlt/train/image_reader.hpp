#pragma once
#include <atomic>
#include <memory>
#include <vlt/data/clip_processor.hpp>
#include <vlt/data/decode.hpp>
#include <vlt/data/image_folder.hpp>
#include <vlt/train/data_options.hpp>

namespace vlt {

// The pictures of an image folder: looked at by the audit, decoded and turned into pixels by the loaders' threads.
class ImageReader {
 public:
  // folder: may be empty; then the first record that names an image is an error.
  ImageReader(const std::string& folder, const ClipProcessorFile& processor, const ImageLimits& limits = {})
      : shared_(std::make_shared<Shared>(folder, processor, limits)) {}

  Pictures pictures() const {
    const Index side = shared_->processor.side();
    Pictures p;
    p.check = [s = shared_](const std::string& name, bool advise) { s->look(name, advise); };
    p.read = [s = shared_](const std::string& name, std::span<float> to) { s->read(name, to); };
    p.floats_per_image = Index(Image::channels) * side * side;
    return p;
  }
  // The whole file, the picture in it, and what the model sees of it.
  std::string file(const std::string& name) const { return shared_->folder.read(name); }
  Image image(const std::string& name) const { return shared_->decoder(file(name), name); }
  Image seen(const std::string& name) const { return shared_->processor.cropped(image(name)); }
  void read(const std::string& name, std::span<float> to) const { shared_->read(name, to); }

  // Bytes that the largest picture takes which was looked at, decoded.
  std::size_t largest_decode() const { return shared_->largest; }

 private:
  struct Shared {
    ImageFolder folder;
    ImageDecoder decoder;
    ClipProcessor processor;
    std::atomic<std::size_t> largest{0};

    Shared(const std::string& path, const ClipProcessorFile& file, const ImageLimits& limits)
        : folder(path, limits), decoder(limits), processor(file) {}
    void look(const std::string& name, bool advise) {
      const ImageHeader header = folder.check(name, advise);
      const auto needs = std::size_t(header.width * header.height) * Image::channels;
      for (std::size_t before = largest; before < needs && !largest.compare_exchange_weak(before, needs);) {}
    }
    void read(const std::string& name, std::span<float> to) const {
      const std::vector<float> pixels = processor(decoder(folder.read(name), name));
      require(pixels.size() == to.size(), "the image processor made another number of pixels than the model reads");
      std::copy(pixels.begin(), pixels.end(), to.begin());
    }
  };
  std::shared_ptr<Shared> shared_;
};

}  // namespace vlt
