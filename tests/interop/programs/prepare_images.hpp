#pragma once
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vlt/data/any_resolution.hpp>
#include <vlt/data/decode.hpp>
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
  PrepareImages(const ClipProcessorFile& file, int patch) : file_(file), processor_(file), patch_(patch) {}

  void answer(const std::string& request) const {
    std::istringstream words(request);
    std::string kind, path, out;
    words >> kind;
    if (kind == "prepare" && words >> path >> out) return prepare(path, out);
    Size size;
    if (kind == "layout" && words >> size.height >> size.width) return layout(size);
    throw std::invalid_argument("not a request: " + request);
  }

 private:
  ClipProcessorFile file_;
  ClipProcessor processor_;
  int patch_;
  ImageDecoder decode_;

  template <class T> static void save(const std::string& path, const std::vector<T>& values) {
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(values.data()), std::streamsize(values.size() * sizeof(T)));
  }
  TileLayout tiles_of(Size size) const { return tile_layout(size, file_.grid, file_.crop, file_.crop / patch_); }

  void prepare(const std::string& path, const std::string& out) const try {
    const Image image = decode_(read_whole_file(path, std::size_t(1) << 30), path);
    std::vector<Image> tiles;
    if (file_.grid.empty()) tiles.push_back(processor_.cropped(image));
    else tiles = cut_tiles(image, tiles_of({image.height, image.width}), file_.crop);
    std::vector<std::uint8_t> bytes;
    std::vector<float> pixels(tiles.size() * processor_.size());
    for (std::size_t i = 0; i < tiles.size(); ++i) {
      bytes.insert(bytes.end(), tiles[i].pixels.begin(), tiles[i].pixels.end());
      processor_.normalise(tiles[i], pixels.data() + i * processor_.size());
    }
    save(out + ".rgb", image.pixels), save(out + ".tiles", bytes), save(out + ".pixels", pixels);
    std::cout << image.width << ' ' << image.height << ' ' << tiles.size() << '\n';
  } catch (const Error& e) { std::cout << e.complaint().code << '\n'; }
  void layout(Size size) const {
    const TileLayout l = tiles_of(size);
    std::cout << l.canvas.height << ' ' << l.canvas.width << ' ' << l.fitted.height << ' ' << l.fitted.width << ' '
              << l.offset.height << ' ' << l.offset.width << ' ' << l.tile_count() << ' '
              << l.feature_count(file_.crop / patch_) << '\n';
  }
};

// main() of a probe: FOLDER PATCH; requests come from standard input.
inline int prepare_images(int count, char** words) try {
  if (count != 3) throw std::invalid_argument("usage: probe_images FOLDER PATCH <requests");
  std::cerr << ImageDecoder::id() << '\n';
  const PrepareImages prepare(read_clip_processor(Folder(words[1])).file, std::stoi(words[2]));
  for (std::string line; std::getline(std::cin, line);) prepare.answer(line);
  return 0;
} catch (const Error& e) {
  std::cerr << e.what() << " [" << e.complaint().code << "]\n";
  return int(e.exit());
}

}  // namespace vlt
