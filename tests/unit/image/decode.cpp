// Pixels of good files equal Pillow's; damaged files end in an Error whatever the decoder thinks of them.
#include <array>
#include <optional>
#include <random>
#include <sstream>
#include <thread>
#include <unit/image/pictures.hpp>
#include <unit/image/png_bytes.hpp>
#include <unit/io/temporary_folder.hpp>
#include <vlt/image/decode.hpp>
#ifdef VLT_HAVE_STB
#include <vlt/image/decode_stb.hpp>
#endif

using namespace vlt;
using namespace vlt::test;

namespace {

struct GoldenFile {
  std::string name, hash;
  int width, height;
};
std::vector<GoldenFile> golden_files() {
  std::istringstream lines(golden_bytes("golden.txt"));
  std::vector<GoldenFile> all;
  for (std::string line, kind; std::getline(lines, line);) {
    std::istringstream words(line);
    GoldenFile f;
    if (words >> kind >> f.name >> f.width >> f.height >> f.hash; kind == "decode") all.push_back(f);
  }
  return all;
}
// One to three changes; the checksums of a PNG are mended, so that its decoder sees them.
std::string damaged(std::string bytes, std::mt19937& random) {
  for (unsigned n = 1 + random() % 3; n > 0 && bytes.size() > 8; --n) {
    const std::size_t at = 8 + random() % (bytes.size() - 8);
    if (const unsigned kind = random() % 8; kind < 5) bytes[at] = char(bytes[at] ^ char(1 << random() % 8));
    else if (kind == 5) bytes[at] = char(random());
    else if (kind == 6) bytes.erase(at, 1 + random() % 4);
    else bytes.insert(at, bytes.substr(random() % bytes.size(), random() % 8));
  }
  if (!bytes.starts_with(image::png::signature)) return bytes;
  for (std::size_t at = 8; at + 12 <= bytes.size();) {
    const std::size_t length = image::png::big_endian(bytes, at);
    if (length > bytes.size() - at - 12) break;
    bytes.replace(at + 8 + length, 4, word(image::png::crc(std::string_view(bytes).substr(at + 4, length + 4))));
    at += 12 + length;
  }
  return bytes;
}
template <class Decode> void decode_damaged(Decode&& decode, int rounds) {
  std::mt19937 random(7);
  for (const GoldenFile& f : golden_files()) {
    const std::string good = golden_bytes(f.name);
    for (int i = 0; i < rounds; ++i) {
      const std::string bytes = damaged(good, random);
      try {
        const image::Image image = decode(bytes);
        CHECK(image.pixels.size() == std::size_t(image.width) * std::size_t(image.height) * 3);
      } catch (const Error& e) {
        if (e.exit() != ExitCode::data) FAIL(f.name << ": " << e.what());
      }
    }
  }
}

}  // namespace

TEST_CASE("decoded pixels equal Pillow's", "[golden]") {
  const image::ImageDecoder decode;
  const bool exact = image::ImageDecoder::id().find("jpeg: libjpeg-turbo") != std::string::npos;
  const auto files = golden_files();
  CHECK(files.size() == 29);
  for (const GoldenFile& f : files) {
    INFO(f.name << " by " << image::ImageDecoder::id());
    const image::Image image = decode(golden_bytes(f.name), f.name);
    CHECK(image.width == f.width);
    CHECK(image.height == f.height);
    if (exact || f.name.ends_with(".png")) CHECK(fnv(image.pixels) == f.hash);
  }
}

TEST_CASE("damaged images never do harm", "[fuzz]") {
  const image::ImageDecoder decode;
  decode_damaged([&](const std::string& bytes) { return decode(bytes, "x"); }, 150);
}

TEST_CASE("more data than the sides need is refused without being unpacked") {
  const image::ImageDecoder decode;
  const std::string bomb = png_file(header(32, 32) + chunk("IDAT", zeros(std::size_t(64) << 20)) + end());
  CHECK(bomb.size() < 500000);
  const std::string small = png_file(header(32, 32) + chunk("IDAT", zeros(std::size_t(8) << 20)) + end());
  CHECK_THROWS_AS(decode(small, "small.png"), Error);  // within the slack of the pre-flight: the decoder's to refuse
  const std::string more = png_file(header(32, 32) + chunk("IDAT", stored(std::string(4000, '\0'))) + end());
  refused([&] { decode(more, "more.png"); }, ExitCode::data, "DATA-IMAGE-016", "w x h pixels", "more.png");
  refused([&] { decode(bomb, "bomb.png"); }, ExitCode::data, "DATA-IMAGE-016", "more data than w x h needs",
          "bomb.png");
}

TEST_CASE("damage inside the data is an error, not a grey picture") {
  const image::ImageDecoder decode;
  const std::string png = png_file(header(32, 32) + chunk("IDAT", stored(std::string(500, '\0'))) + end());
  refused([&] { decode(png, "short.png"); }, ExitCode::data, "DATA-IMAGE-042", "cannot be decoded", "short.png",
          "Not enough");
  const std::string filter = png_file(header(1, 1) +
                                      chunk("IDAT", stored("\x09"
                                                           "abc")) +
                                      end());
  refused([&] { decode(filter, "filter.png"); }, ExitCode::data, "DATA-IMAGE-042", "filter.png", "bad adaptive filter");
#ifdef VLT_HAVE_JPEG
  std::string jpeg = golden_bytes("baseline_444.jpg");
  const std::size_t scan = jpeg.find("\xff\xda") + 14;
  jpeg.erase(scan + 20, jpeg.size() - scan - 60);
  refused([&] { decode(jpeg, "x.jpg"); }, ExitCode::data, "DATA-IMAGE-041", "cannot be decoded");
#endif
}

TEST_CASE("workers share the memory for decoding; an image larger than all of it runs alone", "[threads]") {
  image::ImageLimits limits;
  limits.memory_at_once = limits.memory(37, 29) * 2;
  const image::ImageDecoder decode(limits);
  const std::string bytes = golden_bytes("baseline_420.jpg");
  const auto pixels = decode(bytes, "x").pixels;
  std::vector<std::thread> workers;
  std::atomic<int> equal{0};
  for (int w = 0; w < 4; ++w)
    workers.emplace_back([&] {
      for (int i = 0; i < 50; ++i) equal += decode(bytes, "x").pixels == pixels;
    });
  for (auto& w : workers) w.join();
  CHECK(equal == 200);
  limits.memory_at_once = 1;
  CHECK(image::ImageDecoder(limits)(bytes, "x").pixels == pixels);
  image::DecodePool pool(100);
  std::optional<image::DecodePool::Place> most(std::in_place, pool, 90);
  std::atomic<bool> in{false};
  std::thread late([&] {
    const image::DecodePool::Place more(pool, 20);
    in = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK_FALSE(in);
  most.reset();
  late.join();
  CHECK(in);
  const image::DecodePool::Place whole(pool, 1000);
}

#ifdef VLT_HAVE_STB
namespace {

// Some pixels of the JPEGs, as Pillow reads them.
struct GoldenPixel {
  std::string file;
  int x, y;
  std::array<int, 3> levels;
};
std::vector<GoldenPixel> golden_pixels() {
  std::istringstream lines(golden_bytes("golden.txt"));
  std::vector<GoldenPixel> all;
  for (std::string line, kind; std::getline(lines, line);) {
    std::istringstream words(line);
    GoldenPixel p;
    if (words >> kind >> p.file >> p.x >> p.y >> p.levels[0] >> p.levels[1] >> p.levels[2]; kind == "pixel")
      all.push_back(p);
  }
  return all;
}
image::Image decode_with_stb(const std::string& bytes) {
  return image::stb::decode(bytes, image::preflight(bytes, "x"), {}, image::ImageFault{"x"});
}
}  // namespace

TEST_CASE("stb_image reads a PNG as Pillow does, and a JPEG nearly so", "[golden]") {
  for (const GoldenFile& f : golden_files()) {
    INFO(f.name);
    const image::Image image = decode_with_stb(golden_bytes(f.name));
    CHECK(image.width == f.width);
    CHECK(image.height == f.height);
    if (f.name.ends_with(".png")) CHECK(fnv(image.pixels) == f.hash);
  }
  // Seen on 900 drawn pictures: at most 4 levels but in the last two columns, where stb_image 2.27 interpolates colours
  // of half the width from the wrong neighbour, and in pictures of at most 4 columns.
  int compared = 0;
  for (const GoldenPixel& p : golden_pixels()) {
    const image::Image image = decode_with_stb(golden_bytes(p.file));
    if (image.width <= 4 || p.x >= image.width - 2) continue;
    INFO(p.file << " at " << p.x << ", " << p.y);
    for (int c = 0; c < 3; ++c) CHECK(std::abs(image.row(p.y)[3 * p.x + c] - p.levels[std::size_t(c)]) <= 4);
    ++compared;
  }
  CHECK(compared > 200);
}

TEST_CASE("stb_image is not asked for four channels that it would take for others") {
  std::string bytes = golden_bytes("cmyk.jpg");
  const std::size_t adobe = bytes.find("Adobe");
  bytes[adobe] = 'a';
  refused([&] { decode_with_stb(bytes); }, ExitCode::data, "DATA-IMAGE-044", "neither CMYK nor YCCK");
  bytes[adobe] = 'A', bytes[adobe + 11] = 1;
  refused([&] { decode_with_stb(bytes); }, ExitCode::data, "DATA-IMAGE-044", "neither CMYK nor YCCK");
}

TEST_CASE("damaged images never do harm to stb_image either", "[fuzz]") {
  decode_damaged([&](const std::string& bytes) { return decode_with_stb(bytes); }, 150);
}

TEST_CASE("stb_image's memory is bounded and given back") {
  const std::string bomb = png_file(header(32, 32) + chunk("IDAT", zeros(std::size_t(64) << 20)) + end());
  image::ImageHeader square;
  square.width = square.height = 32;
  refused([&] { image::stb::decode(bomb, square, {}, image::ImageFault{"x"}); }, ExitCode::data, "DATA-IMAGE-016",
          "more data than w x h needs");
  const std::size_t before = image::ImageLimits{}.memory(37, 29);
  for (const char* name : {"progressive_420.jpg", "rgb.png"}) {
    decode_with_stb(golden_bytes(name));
    CHECK(image::stb::budget.left == before);
  }
}
#endif
