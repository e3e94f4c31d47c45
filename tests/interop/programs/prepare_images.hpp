#pragma once
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vlt/image/decode.hpp>
#include <vlt/image/picture_processor.hpp>
#include <vlt/image/picture_rules.hpp>
#include <vlt/io/file.hpp>

namespace vlt {

// Prepares images as the processor of a model folder says. Reads a request a line and answers each with one:
//   prepare FILE OUT        writes OUT.rgb (decoded bytes), OUT.tiles (bytes the model's pixels come from) and
//                           OUT.pixels (floats, channels first); prints width, height and number of tiles, or the code
//                           of the refusal
//   layout HEIGHT WIDTH     prints what LLaVA-NeXT makes of such an image: canvas, fitted sides and corner (heights
//                           first), tiles, image tokens
class PrepareImages {
 public:
  // patch: pixels along a side of the model's patches.
  PrepareImages(const image::ClipProcessorFile& file, int patch)
      : file_(file), processor_(file), per_side_(file.crop / patch) {}

  void answer(const std::string& request) const {
    std::istringstream words(request);
    std::string kind, path, out;
    words >> kind;
    if (kind == "prepare" && words >> path >> out) return prepare(path, out);
    image::Size size;
    if (kind == "layout" && words >> size.height >> size.width) return layout(size);
    throw std::invalid_argument("not a request: " + request);
  }

 private:
  image::ClipProcessorFile file_;
  image::PictureProcessor processor_;
  int per_side_;
  image::ImageDecoder decode_;

  template <class T> static void save(const std::string& path, const std::vector<T>& values) {
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(values.data()), std::streamsize(values.size() * sizeof(T)));
  }

  void prepare(const std::string& path, const std::string& out) const try {
    const image::Image image = decode_(read_whole_file(path, std::size_t(1) << 30), path);
    const std::vector<image::Image> tiles = processor_.tiles(image);
    std::vector<std::uint8_t> bytes;
    for (const image::Image& tile : tiles) bytes.insert(bytes.end(), tile.pixels.begin(), tile.pixels.end());
    std::vector<float> pixels;
    processor_.append(image, pixels);
    save(out + ".rgb", image.pixels), save(out + ".tiles", bytes), save(out + ".pixels", pixels);
    std::cout << image.width << ' ' << image.height << ' ' << tiles.size() << '\n';
  } catch (const Error& e) { std::cout << e.complaint().code() << '\n'; }
  void layout(image::Size size) const {
    const image::TileLayout l = image::tile_layout(size, file_.grid, file_.crop, per_side_);
    const image::PictureRules rules(file_, per_side_);
    std::cout << l.canvas.height << ' ' << l.canvas.width << ' ' << l.fitted.height << ' ' << l.fitted.width << ' '
              << l.offset.height << ' ' << l.offset.width << ' ' << rules.tiles(size) << ' ' << rules.tokens(size)
              << '\n';
  }
};

// main() of a probe: FOLDER PATCH; requests come from standard input.
inline int prepare_images(int count, char** words) try {
  if (count != 3) throw std::invalid_argument("usage: probe_images FOLDER PATCH <requests");
  std::cerr << image::ImageDecoder::id() << '\n';
  const PrepareImages prepare(image::read_clip_processor(Folder(words[1])).file, std::stoi(words[2]));
  for (std::string line; std::getline(std::cin, line);) prepare.answer(line);
  return 0;
} catch (const Error& e) {
  std::cerr << e.what() << " [" << e.complaint().code() << "]\n";
  return int(e.exit());
}

}  // namespace vlt
