// Pixels before the model: equal to Pillow's, and to REF 13.9, bit for bit; no size does harm.
#include <cstring>
#include <sstream>
#include <unit/image/pictures.hpp>
#include <unit/tolerance.hpp>
#include <vlt/image/any_resolution.hpp>
#include <vlt/image/clip_processor.hpp>

using namespace vlt;
using namespace vlt::test;

namespace {

image::Image filled(int w, int h, std::uint8_t v) {
  image::Image i(w, h);
  std::fill(i.pixels.begin(), i.pixels.end(), v);
  return i;
}
image::ClipProcessorFile sized(int edge) {
  image::ClipProcessorFile f;
  f.shortest_edge = f.crop = edge;
  return f;
}

}  // namespace

TEST_CASE("resizing and cropping equal Pillow 13", "[golden]") {
  std::istringstream lines(golden_bytes("golden.txt"));
  int compared = 0;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string kind, hash;
    int w = 0, h = 0, to_w = 0, to_h = 0;
    words >> kind;
    if (kind == "resize") words >> w >> h >> to_w >> to_h >> hash;
    else if (kind == "crop") words >> w >> h >> to_w >> hash;
    else continue;
    INFO(line);
    const image::Image out = kind == "crop" ? image::ClipProcessor(sized(to_w)).cropped(drawn(w, h))
                                            : image::resize(drawn(w, h), to_w, to_h);
    CHECK(fnv(out.pixels) == hash);
    ++compared;
  }
  CHECK(compared == 16);
}

TEST_CASE("pixels and tiles equal those of transformers", "[golden]") {
  std::istringstream lines(golden_bytes("golden.txt"));
  const std::vector<std::array<int, 2>> grid{{28, 56}, {56, 28}, {56, 56}, {84, 28}, {28, 84}};
  int compared = 0;
  for (std::string line, kind, hash; std::getline(lines, line);) {
    std::istringstream words(line);
    image::ClipProcessorFile file;
    int w = 0, h = 0, count = 0;
    words >> kind >> w >> h;
    std::vector<std::uint8_t> bytes;
    if (kind == "pixels") {
      file.mean = {0.5, 0.25, -0.125}, file.std = {0.3, 0.7, 1.9};
      words >> file.shortest_edge >> file.crop >> hash;
      const std::vector<float> pixels = image::ClipProcessor(file)(drawn(w, h));
      bytes.resize(pixels.size() * sizeof(float));
      std::memcpy(bytes.data(), pixels.data(), bytes.size());
    } else if (kind == "tiles") {
      words >> count >> hash;
      const std::vector<image::Image> tiles =
          image::cut_tiles(drawn(w, h), image::tile_layout({h, w}, grid, 28, 2), 28);
      CHECK(int(tiles.size()) == count);
      for (const image::Image& tile : tiles) bytes.insert(bytes.end(), tile.pixels.begin(), tile.pixels.end());
    } else {
      continue;
    }
    INFO(line);
    CHECK(fnv(bytes) == hash);
    ++compared;
  }
  CHECK(compared == 9);
}

TEST_CASE("CLIP preprocessing of REF 13.9", "[golden]") {
  image::Image in(64, 48);
  for (int y = 0; y < 48; ++y)
    for (int x = 0; x < 64; ++x)
      in.row(y)[3 * x] = std::uint8_t(4 * x), in.row(y)[3 * x + 1] = std::uint8_t(5 * y),
                    in.row(y)[3 * x + 2] = std::uint8_t(2 * (x + y));
  const image::ClipProcessor clip(sized(24));
  const image::Image crop = clip.cropped(in);
  CHECK(std::vector<std::uint8_t>(crop.pixels.begin(), crop.pixels.begin() + 12) ==
        std::vector<std::uint8_t>{34, 3, 18, 42, 3, 22, 50, 3, 26, 58, 3, 30});
  const std::vector<float> x = clip(in);
  REQUIRE(x.size() == clip.size());
  const double digits = tolerance("images.printed");
  const auto is = [&](std::size_t i, double expected) { CHECK(std::abs(double(x[i]) - expected) <= digits); };
  is(0, -1.2959161), is(1, -1.1791286), is(2, -1.0623412);
  is(24 * 24, -1.7070738);
  is(2 * 24 * 24, -1.2242587), is(2 * 24 * 24 + 1, -1.1673783), is(2 * 24 * 24 + 2, -1.1104981);
  double sum = 0;
  for (const float v : x) sum += v;
  CHECK(sum == Approx(85.648692).margin(tolerance("images.printed_sum")));
  const std::vector<float> white = clip(filled(24, 24, 255)), black = clip(filled(24, 24, 0));
  const double w[] = {1.9303361, 2.0748837, 2.1458969}, b[] = {-1.7922626, -1.7520971, -1.4802198};
  for (std::size_t c = 0; c < 3; ++c) {
    CHECK(std::abs(double(white[c * 576]) - w[c]) <= digits);
    CHECK(std::abs(double(black[c * 576 + 575]) - b[c]) <= digits);
  }
}

TEST_CASE("extreme sizes stay what they are") {
  for (const auto& [w, h] :
       {std::pair(1, 1), std::pair(1, 700), std::pair(700, 1), std::pair(31, 33), std::pair(1, 32768)}) {
    const image::Image out = image::resize(filled(w, h, 200), 57, 43);
    CHECK(std::all_of(out.pixels.begin(), out.pixels.end(), [](auto p) { return p == 200; }));
  }
  CHECK(image::resize(drawn(97, 61), 97, 61).pixels == drawn(97, 61).pixels);
  CHECK(image::ClipProcessor(sized(336))(filled(5000, 1, 128)).size() == 3 * 336 * 336);
  for (const image::Rectangle& outside : {image::Rectangle{0, 0, 51, 50},
                                          {0, 0, 50, 51},
                                          {1, 0, 50, 50},
                                          {0, 1, 50, 50},
                                          {-1, 0, 5, 5},
                                          {0, -1, 5, 5},
                                          {0, 0, 0, 5},
                                          {0, 0, 5, 0}})
    CHECK_THROWS_AS(image::resize(drawn(9, 9), 50, 50, outside), std::invalid_argument);
  CHECK(image::resize(drawn(9, 9), 50, 50, {0, 0, 50, 50}).pixels == image::resize(drawn(9, 9), 50, 50).pixels);
  CHECK_THROWS_AS(image::Image(0, 5), std::invalid_argument);
  CHECK_THROWS_AS(image::Image(1 << 20, 1 << 20), std::invalid_argument);
}

TEST_CASE("a part equals the part of the whole") {
  for (const auto& [w, h, to_w, to_h] : {std::array{97, 61, 50, 170}, std::array{40, 300, 39, 120}}) {
    const image::Image whole = image::resize(drawn(w, h), to_w, to_h),
                       part = image::resize(drawn(w, h), to_w, to_h, {7, 31, 20, 80});
    image::Image cut(20, 80);
    image::copy_rectangle(whole, 7, 31, cut, 0, 0, 20, 80);
    CHECK(part.pixels == cut.pixels);
  }
}

TEST_CASE("LLaVA-NeXT's tiles") {
  const std::vector<std::array<int, 2>> grid{{336, 672}, {672, 336}, {672, 672}, {1008, 336}, {336, 1008}};
  const image::TileLayout l = image::tile_layout({480, 640}, grid, 336, 24);
  CHECK(l.canvas == image::Size{672, 672});
  CHECK(l.fitted == image::Size{504, 672});
  CHECK(l.tile_count() == 5);
  CHECK(l.feature_count(24) == 24 * 24 + 36 * 48 + 36);
  using Grid = std::vector<std::array<int, 2>>;
  const auto canvas = [](image::Size image, const Grid& canvases) {
    return image::tile_layout(image, canvases, 28, 2).canvas;
  };
  for (const Grid& canvases : {Grid{{56, 56}, {28, 56}, {56, 28}}, Grid{{28, 56}, {56, 28}, {56, 56}}})
    CHECK(canvas({10, 10}, canvases) ==
          image::Size{28, 56});  // shown whole by all: the smallest, and of these the first
  CHECK(canvas({56, 56}, {{28, 56}, {56, 56}}) == image::Size{56, 56});
  CHECK_THROWS(image::tile_layout({5, 5}, {{56, 30}}, 28, 2));
  CHECK_THROWS(image::tile_layout({5, 5}, {{30, 56}}, 28, 2));
  for (const auto& [h, w] : {std::pair(1, 1), std::pair(1, 32768), std::pair(32768, 1)}) {
    const image::TileLayout extreme = image::tile_layout({h, w}, grid, 336, 24);
    CHECK(image::cut_tiles(filled(w, h, 9), extreme, 336).size() == std::size_t(extreme.tile_count()));
  }
}
